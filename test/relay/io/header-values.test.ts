/**
 * Values of credentials, whatever they hold, as an origin gets them in a header over HTTP/1.1 and HTTP/2, and
 * what comes back of them.
 */
import { constants, createSecureServer } from "node:http2";
import { describe, expect, test } from "vitest";
import { createFindChange } from "../../../src/scrub/message-change.ts";
import type { BindingAuth } from "../../../src/vault/binding.ts";
import { parseSecret } from "../../../src/vault/request/secret-text.ts";
import { binding, credential, vaultOf } from "../../vault/make-vault.ts";
import { request } from "../gate/payloads.ts";
import { askH2, dialH2 } from "./h2-client.ts";
import { CERTIFICATE, connectRaw, listen, NAME, startRelay } from "./world.ts";

const PLACEHOLDER = "__token__";

/** An origin of both versions, which gives back what it has read: as it came, and trimmed. */
async function meet(value: string, auth: (given: ReturnType<typeof credential>) => BindingAuth) {
  const got: (string | undefined)[] = [];
  const server = createSecureServer({ ...CERTIFICATE, allowHTTP1: true }, (asked, answer) => {
    const { authorization, "x-api-key": key } = asked.headers;
    const read = authorization ?? (Array.isArray(key) ? key.join() : key);
    got.push(read);
    answer.setHeader("Content-Type", "text/plain; charset=utf-8");
    answer.end(Buffer.from(`got ${read} ${read?.replace("Bearer ", "").trim()} and no more`, "latin1"));
  });
  const relay = await startRelay({
    origin: await listen(server),
    protocols: ["h2", "http/1.1"],
    findChange: createFindChange(),
  });
  const given = credential("token", value);
  const substitutions = [{ credential: given, placeholder: PLACEHOLDER, surfaces: ["header" as const] }];
  relay.vault.write(vaultOf(binding("b", { hosts: [NAME], auth: auth(given), substitutions })));
  return { relay, got };
}

async function askH1(port: number): Promise<string> {
  const client = await connectRaw(port);
  client.socket.write(
    request("GET / HTTP/1.1", `Host: ${NAME}`, "Connection: close", `Authorization: Bearer ${PLACEHOLDER}`),
  );
  await expect.poll(client.closed).toBe(true);
  return client.text();
}

const VERSIONS: Readonly<Record<string, (port: number) => Promise<string>>> = {
  "HTTP/1.1": askH1,
  "HTTP/2": async (port) => (await askH2(dialH2(port), { authorization: `Bearer ${PLACEHOLDER}` })).body,
};

/** What the origin is to get of the value. */
const VALUES: Readonly<Record<string, readonly [value: string, sent: string]>> = {
  plain: ["tok3n-without", "tok3n-without"],
  "with a blank behind": ["tok3n-with-a-blank-behind ", "tok3n-with-a-blank-behind"],
  "with a blank before": [" tok3n-with-a-blank-before", "tok3n-with-a-blank-before"],
  "with tabs around": ["\ttok3n-with-tabs\t\t", "tok3n-with-tabs"],
  "with blanks within": ["tok3n with\tblanks", "tok3n with\tblanks"],
  "of three letters and a blank": ["t0k ", "t0k"],
  "that is not ASCII": ["tök€n-💡", "tök€n-💡"],
  "with a blank that is not ASCII": ["tok3n-with-nbsp\u00a0", "tok3n-with-nbsp\u00a0"],
  "of C1 controls": ["tok3n\u0085\u009f", "tok3n\u0085\u009f"],
  "of 12,000 letters": ["t".repeat(12_000), "t".repeat(12_000)],
};

const AUTHS: Readonly<Record<string, (given: ReturnType<typeof credential>) => BindingAuth>> = {
  "set as a bearer": (token) => ({ type: "bearer", credential: token }),
  "set as a header": (token) => ({ type: "apiKey", name: "Authorization", credential: token }),
  "set among headers": (token) => ({
    type: "customHeaders",
    headers: [{ name: "Authorization", credential: token }],
  }),
  "in a placeholder's place": () => ({ type: "passthrough" }),
};

const cases = Object.keys(VERSIONS).flatMap((version) =>
  Object.keys(AUTHS).flatMap((how) => Object.keys(VALUES).map((what) => ({ version, how, what }))),
);

describe("a value reaches the origin, without blanks at its ends, and nothing of it comes back", () => {
  test.each(cases)("$version, $how, $what", async ({ version, how, what }) => {
    const [value, sent] = VALUES[what] ?? ["", ""];
    const { relay, got } = await meet(value, AUTHS[how] ?? (() => ({ type: "passthrough" })));
    const text = (await VERSIONS[version]?.(relay.port)) ?? "";
    const prefix = how === "set as a header" || how === "set among headers" ? "" : "Bearer ";
    expect(got).toEqual([Buffer.from(`${prefix}${sent}`).toString("latin1")]);
    expect(text).toContain("[REDACTED]");
    expect(text).not.toContain(sent.trim());
  });
});

test("a value that HTTP/2 cannot carry is told, and the request does not go on without it", async () => {
  const { relay, got } = await meet("t".repeat(64 << 10), (token) => ({ type: "bearer", credential: token }));
  const answer = await askH2(dialH2(relay.port), { authorization: "mine" });
  expect([answer.status, answer.code, got]).toEqual([502, constants.NGHTTP2_NO_ERROR, []]);
  expect(relay.told.refused).toMatchObject([{ text: "the request's head is larger than HTTP/2 can send" }]);
});

test("what neither version can carry is no credential's value", () => {
  const refused = Array.from({ length: 0x80 }, (_, code) => code).filter(
    (code) => !parseSecret(`a${String.fromCharCode(code)}b`).ok,
  );
  const controls = Array.from({ length: 0x20 }, (_, code) => code).filter((code) => code !== 9);
  expect(refused).toEqual([...controls, 0x7f]);
  for (const blank of [" ", "\t", " \t ", "\u00a0"]) expect(parseSecret(blank).ok).toBe(false);
});
