/**
 * The platform's real server and SDKs with our image as the sidecar: a sandbox's life, its policy, and an
 * error that says why.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Platform, startPlatform } from "./platform.ts";

const ONE = { action: "allow", target: "one.example.org" } as const;
const TWO = { action: "allow", target: "two.example.org" } as const;
/** Images are built, and packages are fetched. */
const SETUP_MS = 1_200_000;

let platform: Platform;
let id: string;
beforeAll(async () => {
  platform = await startPlatform();
}, SETUP_MS);
afterAll(() => platform[Symbol.asyncDispose]());

/** How curl in the workload ended, with what it printed. */
async function fetched(name: string): Promise<string> {
  const { exitCode, stdout } = await platform.inWorkload(id, [
    "curl",
    "-sS",
    "--max-time",
    "20",
    `http://${name}/`,
  ]);
  return `${String(exitCode)} ${stdout}`.trim();
}

test("a sandbox is made with a policy, which holds from its first moment", async () => {
  const told = await platform.python({ do: "create", policy: { defaultAction: "deny", egress: [ONE] } });
  if (told.error !== undefined) throw new Error(`${told.error}\n${platform.serverLog()}`);
  id = String(told.answer);
  expect(await fetched("one.example.org")).toMatch(/^0 hello from 198\.51\.100\./);
  expect(await fetched("two.example.org")).toBe("6");
  expect(await fetched("203.0.113.7")).toBe("7");
});

test.each(["python", "javascript"] as const)("the %s SDK reads, patches and deletes", async (language) => {
  const call = (asked: object) => platform[language]({ id, ...asked });
  expect(await call({ do: "get" })).toEqual({ answer: { defaultAction: "deny", egress: [ONE] } });
  expect(await call({ do: "patch", rules: [TWO] })).not.toHaveProperty("error");
  expect(await fetched("two.example.org")).toMatch(/^0 hello/);
  expect(await call({ do: "get" })).toEqual({ answer: { defaultAction: "deny", egress: [TWO, ONE] } });
  expect(await call({ do: "delete", targets: ["two.example.org"] })).not.toHaveProperty("error");
  expect(await fetched("two.example.org")).toBe("6");
});

test("the server's own proxy reaches the policy, too", async () => {
  const told = await platform.python({ id, do: "get", useServerProxy: true });
  expect(told).toEqual({ answer: { defaultAction: "deny", egress: [ONE] } });
});

test("after pause and resume the policy holds as before", async () => {
  expect(await platform.python({ id, do: "pause" })).not.toHaveProperty("error");
  expect(await platform.python({ id, do: "resume" })).toEqual({ answer: id });
  expect(await fetched("one.example.org")).toMatch(/^0 hello/);
  expect(await fetched("two.example.org")).toBe("6");
});

test("a sandbox with the credential proxy is ready at once, and its vault takes a secret", async () => {
  const policy = { defaultAction: "deny", egress: [ONE] };
  const told = await platform.python({ do: "create", policy, credentialProxy: true });
  if (told.error !== undefined) throw new Error(`${told.error}\n${platform.serverLog()}`);
  const bound = { id: told.answer };
  const binding = {
    name: "one",
    match: { hosts: ["one.example.org"] },
    auth: { type: "bearer", credential: "token" },
  };
  const credential = { name: "token", source: { type: "inline", value: "s3cr3t" } };
  expect(await platform.python({ ...bound, do: "bind", credential, binding })).toMatchObject({
    answer: { revision: 1, credentials: [{ name: "token" }], bindings: [{ name: "one" }] },
  });
  expect(await platform.python({ ...bound, do: "kill" })).not.toHaveProperty("error");
});

test("a policy that cannot be read is an error of the SDK that says where and why, and leaves nothing", async () => {
  const policy = { egress: [{ action: "allow", target: "https://one.example.org" }] };
  const { error } = await platform.python({ do: "create", policy });
  expect(error).toContain("egress[0].target");
  expect((await platform.containers()).filter((name) => !name.endsWith(id))).toEqual([]);
});

test("a sandbox that is killed leaves no container", async () => {
  expect(await platform.python({ id, do: "kill" })).not.toHaveProperty("error");
  expect(await platform.containers()).toEqual([]);
});
