import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { REQUEST, startVaultApi, VALUE, type VaultApi } from "./vault-api.ts";

function sent({ vault }: VaultApi): readonly string[] {
  return vault.inForce().bindings.flatMap(({ headers }) => headers.map(({ value }) => value.reveal()));
}

describe("sources beside inline", () => {
  const folder = mkdtempSync(join(tmpdir(), "egress-vault-"));
  const path = join(folder, "gh");
  afterAll(() => rmSync(folder, { recursive: true }));
  const binding = { ...REQUEST.bindings[0], auth: { type: "bearer", credential: "gh" } };
  const requestOf = (source: object) => ({ credentials: [{ name: "gh", source }], bindings: [binding] });

  test.each([
    ["env", { type: "env", variable: "GH_TOKEN" }],
    ["file", { type: "file", path }],
    ["command", { type: "command", command: ["cat", path] }],
  ] as const)("%s is read when it is written", async (type, source) => {
    writeFileSync(path, `${VALUE}\n`);
    const env = { PATH: process.env["PATH"], GH_TOKEN: VALUE };
    await using server = await startVaultApi({ env, settings: { sources: [type] } });
    const created = await server.call("POST", "", requestOf(source));
    expect(JSON.parse(created.text)).toMatchObject({ credentials: [{ name: "gh", sourceType: type }] });
    expect(sent(server)).toEqual([`Bearer ${VALUE}`]);
  });

  test.each([
    { type: "env", variable: "HOME" },
    { type: "file", path: "/etc/hostname" },
    { type: "command", command: ["true"] },
  ])("over TCP %j is refused unless the settings name it, and taken by the unix socket", async (source) => {
    await using tcp = await startVaultApi();
    const text = `credential "gh": the source ${source.type} is not taken here: only the unix socket's callers may name it, unless OPENSANDBOX_EGRESS_CREDENTIAL_VAULT_SOURCES has ${source.type}`;
    expect(await tcp.call("POST", "", requestOf(source))).toMatchObject({ status: 400, text });
    await tcp.call("POST", "", {});
    for (const operation of ["add", "replace"]) {
      const mutation = { credentials: { [operation]: [{ name: "gh", source }] } };
      expect(await tcp.call("PATCH", "", mutation)).toMatchObject({ status: 400, text });
    }
    await using unix = await startVaultApi({
      socketPath: join(folder, `${source.type}.sock`),
      env: { PATH: process.env["PATH"], HOME: VALUE },
      load: async () => ({ ok: false, problems: [{ path: "", message: "was asked" }] }),
    });
    const answer = await unix.api.call("POST", "/credential-vault", {
      body: JSON.stringify(requestOf(source)),
    });
    expect(answer).toMatchObject({ status: 400, text: 'credential "gh" has no value: was asked' });
  });

  test("one that gives nothing refuses the write, and says why without its output", async () => {
    await using server = await startVaultApi({ settings: { sources: ["command"] } });
    const source = { type: "command", command: ["sh", "-c", `echo ${VALUE}; exit 9`] };
    expect(await server.call("POST", "", requestOf(source))).toMatchObject({
      status: 400,
      text: 'credential "gh" has no value: the command ended with status 9',
    });
    expect((await server.call("GET", "")).status).toBe(404);
  });
});
