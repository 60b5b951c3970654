/** The options that say where the sidecar is, for every command that calls it. */
import { refused, type Result, accepted } from "../../policy/problem.ts";

/** Where the command line says the sidecar is. */
export interface Place {
  readonly url: string | undefined;
  readonly socketPath: string | undefined;
  readonly token: string | undefined;
  /** The run of `egress run` that is under way on this machine. */
  readonly isRun: boolean;
}

/** For `parseArgs` of node:util. */
export const CALL_OPTIONS = {
  url: { type: "string" },
  socket: { type: "string" },
  token: { type: "string" },
  run: { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

export function readPlace(given: {
  readonly url?: string | undefined;
  readonly socket?: string | undefined;
  readonly token?: string | undefined;
  readonly run?: boolean | undefined;
}): Result<Place> {
  const { socket: socketPath, token, run: isRun = false } = given;
  const url = given.url === undefined ? undefined : withScheme(given.url);
  if (isRun && (url !== undefined || socketPath !== undefined)) {
    return refused("--run is a place of its own: give it, --url or --socket");
  }
  if (url !== undefined && socketPath !== undefined) {
    return refused("--url and --socket are two places: give one");
  }
  if (url !== undefined && !isHttpUrl(url)) return refused("is not an http(s) URL", "--url");
  if (url !== undefined && holdsCredentials(url)) {
    return refused("no credentials in the URL: give the token by --token", "--url");
  }
  return accepted({ url, socketPath, token, isRun });
}

/**
 * What `parseArgs` found wrong: a first line for people, and then advice on its own API, which is left out.
 */
export function refusedByParser(error: unknown): Result<never> {
  const [message = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
  return refused(message);
}

function holdsCredentials(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && `${url.username}${url.password}` !== "";
}

/** HOST:PORT is taken as curl(1) takes it; what looks like a scheme of its own is left as it is. */
function withScheme(text: string): string {
  return HOST_AND_PORT.test(text) ? `http://${text}` : text;
}

const HOST_AND_PORT = /^(?:\[[\da-f:.]+\]|[a-z\d.-]+):\d{1,5}(?:\/|$)/i;

function isHttpUrl(text: string): boolean {
  return ["http:", "https:"].includes(URL.parse(text)?.protocol ?? "");
}
