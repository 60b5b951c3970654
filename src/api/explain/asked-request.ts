import { HTTP_PORTS } from "../../policy/http-scope.ts";
import { quote } from "../../policy/problem.ts";
import type { AskedRequest } from "../../enforcement/explain/explain-request.ts";
import type { ExplainRequest } from "../../enforcement/explain/explain.ts";

interface Sent {
  readonly method: string | undefined;
  readonly path: string | undefined;
}

/** The request that the caller asked about, undefined if there is none, or why it cannot be one. */
export function readAskedRequest(
  { method, path }: Sent,
  { port, protocol }: Pick<ExplainRequest, "port" | "protocol">,
): AskedRequest | string | undefined {
  if (method === undefined && path === undefined) return undefined;
  const isRead = port === undefined || HTTP_PORTS.some((one) => one === port);
  if (protocol !== "tcp" || !isRead)
    return "method, path: requests are read over tcp at ports 443 and 80 alone";
  const asked = { method: method ?? "GET", path: path ?? "/" };
  return findWrong(asked) ?? asked;
}

function findWrong({ method, path }: AskedRequest): string | undefined {
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}$/.test(method)) return `method: ${quote(method)} is no method`;
  if (!/^(?:\/[!-~]*|\*)$/.test(path)) return "path: must begin with /, as it is sent";
  return /[?#]/.test(path) ? "path: has a query or a fragment: leave it out" : undefined;
}
