/**
 * The sidecar's API, called as the workload may: without its token, or with a guess. Nothing is changed: the
 * calls are dry runs.
 */
import { LOOPBACK, WAIT_MS } from "../loopback.ts";
import { request } from "node:http";
import { TOKEN_HEADER } from "../../api/headers.ts";
import type { Check } from "../check.ts";
import { held, open, untried, type Verdict } from "../evidence.ts";
import type { Finding } from "../finding.ts";
import { familyOf, type Place } from "../place.ts";

export const API: readonly Check[] = [
  {
    name: "changing the policy without the token",
    row: "10",
    async run(place) {
      const calls = addresses(place).flatMap((address) => [
        call(address, place.apiPort, "no token", {}),
        call(address, place.apiPort, "a guess", { [TOKEN_HEADER]: "egress-doctor" }),
      ]);
      return Promise.all(calls);
    },
  },
];

function addresses({ own }: Place): readonly string[] {
  const all = [...LOOPBACK, own.IPv4, own.IPv6].filter((address) => address !== undefined);
  return all.filter((address) => address !== "::1" || own.IPv6 !== undefined);
}

async function call(
  host: string,
  port: number,
  what: string,
  headers: Readonly<Record<string, string>>,
): Promise<Finding> {
  const family = familyOf(host);
  const body = JSON.stringify([{ action: "allow", target: "egress-doctor.invalid" }]);
  const path = "/policy?dryRun=true";
  const answer = await new Promise<number | string>((resolve) => {
    const sent = request({ host, port, method: "PATCH", path, headers, timeout: WAIT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on("timeout", () => sent.destroy());
    sent.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.end(body);
  });
  return { what, family, ...judgeAnswer(answer, port) };
}

/** `answer`: an HTTP status, or why there is none. */
export function judgeAnswer(answer: number | string, port: number): Verdict {
  if (answer === 401 || answer === 403) return held("refused");
  if (answer === 200) return open("taken: a process here can change the policy");
  if (answer === "ECONNREFUSED") return untried(`nothing listens on port ${port}`);
  return untried(typeof answer === "number" ? `what answers says ${answer}: no API of a sidecar` : answer);
}
