/**
 * What the sidecar says while it holds secrets, and while it is given some in wrong places: none of it holds
 * one, in any spelling.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRedactor } from "../../src/scrub/redactor.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab();
/** With characters that JSON, URLs and base64 write otherwise; each in a source of its own. */
const SECRETS = {
  inline: 'inl1ne-"s3cr3t"/of+the=test',
  env: "env-s3cr3t~of the test",
  file: "file-s3cr3t\\of<the>test",
  command: "command-s3cr3t&of'the'test",
  placeholder: "pl4ceholder-s3cr3t-of-the-test",
  lost: "l0st-s3cr3t-of-the-test",
} as const;
const REDACTOR = createRedactor(Object.values(SECRETS));

let folder: string;
let sidecar: Sidecar;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "egress-vault-"));
  await writeFile(join(folder, "file"), `${SECRETS.file}\n`);
  await writeFile(join(folder, "command"), SECRETS.command);
  sidecar = await lab.startSidecar({
    env: {
      OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT: "true",
      OPENSANDBOX_EGRESS_LOG_LEVEL: "debug",
      OPENSANDBOX_LOG_OUTPUT: `stdout,${join(folder, "log")}`,
      GH_TOKEN: SECRETS.env,
    },
    policy: { egress: [{ action: "allow", target: "*.example.org" }] },
  });
});
afterAll(() => rm(folder, { recursive: true }));

const credential = (name: string, source: object) => ({ name, source });

const said: string[] = [];
async function call(method: string, path: string, body?: unknown): Promise<number> {
  let status = 0;
  for (const headers of [{}, { Accept: "application/problem+json" }]) {
    const answer = await sidecar.api(method, path, { headers, ...(body === undefined ? {} : { body }) });
    said.push(JSON.stringify(answer.headers), answer.text);
    status ||= answer.status;
  }
  return status;
}

test("no answer, log line or metric holds a secret", async () => {
  const request = {
    credentials: [
      credential("inline", { value: SECRETS.inline }),
      credential("env", { type: "env", variable: "GH_TOKEN" }),
      credential("file", { type: "file", path: join(folder, "file"), refreshAfter: 1 }),
      credential("command", { type: "command", command: ["cat", join(folder, "command")], refreshAfter: 1 }),
    ],
    bindings: ["inline", "env", "file", "command"].map((name, index) => ({
      name,
      match: { hosts: [["one", "two", "three", "four"][index] + ".example.org"] },
      auth: {
        type: "bearer",
        credential: name,
        substitutions: [{ credential: "inline", placeholder: SECRETS.placeholder, in: ["header"] }],
      },
    })),
  };
  // The second of the two calls finds a vault.
  expect(await call("POST", "/credential-vault", request)).toBe(201);
  const misplaced = [
    JSON.stringify(request).slice(0, -1),
    { credentials: [credential("x", { value: `${SECRETS.lost}\n` })] },
    { credentials: [SECRETS.lost] },
    { credentials: [credential("x", { type: SECRETS.lost })] },
    { credentials: [credential("x", { type: "command", command: ["/no/such/program", SECRETS.lost] })] },
    {
      credentials: [
        credential("x", { type: "command", command: ["sh", "-c", `echo ${SECRETS.lost}; exit 1`] }),
      ],
    },
    { bindings: [{ name: "x", match: { hosts: ["x.example.org"] }, auth: { type: SECRETS.lost } }] },
    {
      bindings: [
        {
          name: "x",
          match: { hosts: ["x.example.org"] },
          auth: { type: "bearer", credential: [SECRETS.lost] },
        },
      ],
    },
  ];
  expect(await call("DELETE", "/credential-vault")).toBe(204);
  for (const body of misplaced) expect(await call("POST", "/credential-vault", body)).toBe(400);
  expect(await call("POST", "/credential-vault", request)).toBe(201);
  for (const body of misplaced) expect(await call("PATCH", "/credential-vault", body)).toBe(400);
  const replace = [credential("inline", { value: `${SECRETS.inline}.` })];
  expect(await call("PATCH", "/credential-vault", { credentials: { replace } })).toBe(200);
  expect(await call("PATCH", "/policy", [{ action: "deny", target: "one.example.org" }])).toBe(400);
  // Sources that fail later are told.
  await rm(join(folder, "file"));
  await writeFile(join(folder, "command"), `${SECRETS.lost}\n\n`);
  await until("both sources have failed", () => {
    const faults = sidecar.logs().filter((line) => line["opensandbox.event"] === "egress.vault_fault");
    return ["file", "command"].every((name) => faults.some((line) => line["credential"] === name));
  });
  const parts = ["", "/credentials", "/credentials/inline", "/bindings", "/bindings/file", "/_active"];
  for (const part of parts) await call("GET", `/credential-vault${part}`);
  for (const path of [
    "/status",
    "/metrics",
    "/decisions",
    "/openapi.json",
    "/policy",
    "/healthz",
    "/",
    "/explain?target=one.example.org",
  ])
    await call("GET", path);
  await sidecar.kill();
  const everything = [...said, sidecar.output(), await readFile(join(folder, "log"), "utf8")].join("\n");
  expect(everything).toContain("egress.vault_created");
  expect(everything).toContain("the command ended with status 1");
  const octets = Buffer.from(everything).toString("latin1");
  expect(REDACTOR.redact(octets)).toBe(octets);
});
