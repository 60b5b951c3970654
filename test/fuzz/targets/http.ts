import { startApi } from "../../api/api-server.ts";
import { connectRaw } from "../../api/api-server.ts";
import type { Random } from "../engine/random.ts";
import { type Checker, type Target } from "../engine/target.ts";

const TOKEN = "not-in-any-seed-0123456789";
const LINES = [
  "GET /policy HTTP/1.1",
  "POST /policy HTTP/1.1",
  "PATCH /policy?dryRun=true HTTP/1.1",
  "DELETE /policy HTTP/1.0",
  "GET /healthz HTTP/1.1",
  "GET /metrics HTTP/1.1",
  "PUT //policy HTTP/1.1",
  "OPTIONS * HTTP/1.1",
  "CONNECT a:1 HTTP/1.1",
  "GET http://x/policy HTTP/1.1",
  "PATCH /credential-vault/x HTTP/1.1",
] as const;
const HEADERS = [
  "Host: x",
  "Content-Length: 2",
  "Content-Length: 9",
  "Transfer-Encoding: chunked",
  "Expect: 100-continue",
  "Expect: x",
  "Connection: close",
  "Connection: upgrade",
  "Upgrade: h2c",
  "OPENSANDBOX-EGRESS-AUTH: x",
  "OPENSANDBOX-EGRESS-SIGNATURE: t=1,n=a,v1=00",
  "If-Match: *",
  "Accept: application/problem+json",
  "X: \u00ff",
] as const;
const BODIES = ["[]", "{}", "2\r\n[]\r\n0\r\n\r\n", '[{"action":"allow","target":"a.example"}]', ""] as const;

/**
 * Octets on a connection to the API, without its token: each answer is one of HTTP's with a text, nothing is
 * an internal error, nothing changes the policy, and the connection ends.
 */
export const http: Target = {
  name: "http",
  seeds: "http",
  make: (random) =>
    Buffer.from(Array.from({ length: 1 + random.below(2) }, () => makeRequest(random)).join("")),
  async open(): Promise<Checker> {
    const api = await startApi({
      auth: { token: TOKEN, allowLocalWrites: false },
      limits: { headersMs: 60_000, requestMs: 60_000 },
    });
    const before = api.world.changes.snapshot();
    return {
      async check(input) {
        const connection = await connectRaw(api.port);
        connection.socket.end(input);
        const text = await connection.rest();
        if (api.errors.length > 0) throw new Error(`an internal error: ${String(api.errors[0])}`);
        if (api.world.changes.snapshot() !== before || api.world.steps.length > 0)
          throw new Error("the policy has changed");
        return checkAnswer(text);
      },
      [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
    };
  },
};

function makeRequest(random: Random): string {
  const headers = Array.from({ length: random.below(6) }, () => random.pick(HEADERS));
  return [random.pick(LINES), "Host: x", ...headers, "", random.pick(BODIES)].join(
    random.once(20) ? "\n" : "\r\n",
  );
}

/** Every refusal has a text: clients take an empty one for success. */
function checkAnswer(text: string): string {
  if (text === "") return "nothing";
  const match =
    /^(?:HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 (?<status>\d{3}) [^\r\n]*\r\n(?<headers>(?:[^\r\n]+\r\n)*)\r\n(?<body>.*)$/s.exec(
      text,
    );
  const { status = "", headers = "", body = "" } = match?.groups ?? {};
  if (match === null) throw new Error(`is no answer of HTTP: ${JSON.stringify(text.slice(0, 200))}`);
  if (Number(status) >= 500 && !body.startsWith("no ") && status !== "503")
    throw new Error(`${status}: ${body.slice(0, 100)}`);
  if (Number(status) >= 400 && body === "" && !/content-length: [1-9]/i.test(headers))
    throw new Error(`${status} without a text`);
  return status;
}
