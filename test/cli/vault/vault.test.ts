import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../../../src/cli/main.ts";
import { vault } from "../../../src/cli/vault/vault.ts";
import { startVaultApi, VALUE, type VaultApi, type VaultApiOptions } from "../../api/vault/vault-api.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "egress-cli-"));
});
afterAll(() => rm(folder, { recursive: true }));

interface Operator extends VaultApi {
  /** `egress vault ...`, its sidecar on a unix socket; `input` is what stands on standard input. */
  run(
    argv: readonly string[],
    input?: string,
  ): Promise<{ exitCode: number; printed: string; warned: string }>;
}

async function startOperator(options: VaultApiOptions = {}): Promise<Operator> {
  const socketPath = join(await mkdtemp(join(folder, "run-")), "egress.sock");
  const server = await startVaultApi({ socketPath, ...options });
  return {
    ...server,
    async run(argv, input = "") {
      let printed = "";
      let warned = "";
      const context = {
        env: { OPENSANDBOX_EGRESS_SOCKET: socketPath },
        program: ["egress"] as const,
        print: (text: string) => void (printed += text),
        warn: (text: string) => void (warned += text),
      };
      const exitCode = await vault(argv, context, () => input);
      return { exitCode, printed, warned };
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function injected({ vault: { inForce } }: Operator): readonly string[] {
  return inForce().bindings.flatMap(({ headers }) =>
    headers.map(({ name, value }) => `${name}: ${value.reveal()}`),
  );
}

test("a value of standard input is bound, replaced and taken out, and never shown", async () => {
  await using operator = await startOperator();
  const bound = await operator.run(
    ["bind", "github", "--host", "api.example.org,*.example.org"],
    `${VALUE}\n`,
  );
  expect(bound).toEqual({
    exitCode: 0,
    printed:
      "revision     1\n" +
      "binding      github: bearer into GET,POST,PUT,PATCH,DELETE https://api.example.org,*.example.org /*\n" +
      "credential   github: inline, since revision 1\n",
    warned: "",
  });
  expect(injected(operator)).toEqual([`Authorization: Bearer ${VALUE}`]);
  await operator.run(["bind", "github", "--host", "api.example.org", "--header", "x-api-key"], "new");
  expect(injected(operator)).toEqual(["X-Api-Key: new"]);
  const got = await operator.run(["get", "--json"]);
  expect(JSON.parse(got.printed)).toMatchObject({ revision: 2, bindings: [{ auth: { name: "X-Api-Key" } }] });
  expect(await operator.run(["unbind", "github"])).toMatchObject({
    exitCode: 0,
    printed: "revision     3\n",
  });
  expect(await operator.run(["delete"])).toMatchObject({
    exitCode: 0,
    printed: "the credential vault is deleted\n",
  });
  expect((await operator.call("GET", "")).status).toBe(404);
});

describe("a value is read where the sidecar is", () => {
  test.each([
    [["--file", "FILE"], "file"],
    [["--file", "FILE", "--refresh", "300"], "file"],
    [["--env", "GH_TOKEN"], "env"],
    [["--refresh", "300", "--", "cat", "FILE"], "command"],
  ])("%j", async (where, type) => {
    const path = join(folder, "value");
    await writeFile(path, VALUE);
    await using operator = await startOperator({ env: { PATH: process.env["PATH"], GH_TOKEN: VALUE } });
    const words = where.map((word) => (word === "FILE" ? path : word));
    const bound = await operator.run(["bind", "b", "--host", "api.example.org", ...words]);
    expect(bound).toMatchObject({ exitCode: 0, printed: expect.stringContaining(`b: ${type}`) as unknown });
    expect(injected(operator)).toEqual([`Authorization: Bearer ${VALUE}`]);
  });
});

test("methods and paths narrow a binding", async () => {
  await using operator = await startOperator();
  const narrow = ["--method", "get,head", "--path", "/v1/*", "--path", "/x,y", "--basic"];
  const bound = await operator.run(["bind", "b", "--host", "api.example.org", ...narrow], VALUE);
  expect(bound.printed).toContain("b: basic into GET,HEAD https://api.example.org /v1/* /x,y\n");
});

describe("what cannot be is said in words, with an exit code, and without the value", () => {
  test.each([
    [["bind", "b", "--host", "far.example.net"], 65, 'binding "b" host "far.example.net" is not allowed'],
    [["bind", "b", "--host", "localhost"], 65, "bindings[0].match.hosts[0]"],
    [["get"], 65, "credential vault not found"],
    [["unbind", "b"], 65, "credential vault not found"],
    [["bind", "b", VALUE, "--host", "api.example.org"], 64, "never from the command line"],
    [["bind", "b"], 64, "--host: bind needs a host"],
    [["bind"], 64, "bind needs a name"],
    [["bind", "b", "--host", "a.example.org", "--basic", "--header", "x"], 64, "give one"],
    [["bind", "b", "--host", "a.example.org", "--env", "X", "--", "true"], 64, "give one"],
    [["bind", "b", "--host", "a.example.org", "--refresh", "5"], 64, "is for --file and for a command"],
    [
      ["bind", "b", "--host", "a.example.org", "--file", "/x", "--refresh", "5m"],
      64,
      "whole number of seconds",
    ],
    [["get", "b"], 64, "get takes no arguments"],
    [["set"], 64, '"set" is none of get, bind, unbind, delete'],
  ])("%j", async (argv, exitCode, said) => {
    await using operator = await startOperator();
    const ended = await operator.run(argv, VALUE);
    expect(ended).toMatchObject({ exitCode, printed: "" });
    expect(ended.warned).toContain(said);
    expect(ended.warned).not.toContain(VALUE);
  });

  test("that nothing is intercepted is 69", async () => {
    await using operator = await startOperator({ readiness: { isTransparent: false } });
    expect(await operator.run(["bind", "b", "--host", "api.example.org"], VALUE)).toMatchObject({
      exitCode: 69,
      warned: "egress vault: credential vault requires transparent mitmproxy\n",
    });
  });
});

test("egress vault --help says how", async () => {
  let printed = "";
  const context = {
    env: {},
    program: ["egress"] as const,
    print: (text: string) => void (printed += text),
    warn: () => undefined,
  };
  expect(await runCli(["vault", "--help"], context)).toBe(0);
  expect(printed).toContain("Usage: egress vault get");
});
