/** The bundled program, copied away from this checkout, does what the unbuilt one does. */
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { buildProgram, type BuiltProgram } from "../support/built-program.ts";
import { withOwnPlaces } from "../support/own-places.ts";
import { createMachine } from "../support/machine.ts";
import { skipBecause } from "../support/skip.ts";
import { useLab } from "../support/use-lab.ts";
import { workloadArgv } from "../support/workload.ts";

const lab = useLab();
let built: BuiltProgram;
let folder: string;
beforeAll(async () => {
  built = await buildProgram();
  ({ folder } = built);
});
afterAll(async () => {
  await built[Symbol.asyncDispose]();
});

test("it serves: allowed, denied, changed, and torn down", async () => {
  const bundle = join(folder, "installed", "egress.mjs");
  await using sidecar = await lab.startSidecar({
    policy: { egress: [{ action: "allow", target: "one.example.org" }] },
    program: [process.execPath, bundle, "serve"],
  });
  expect(await lab.curl("http://one.example.org/")).toMatchObject({ status: 200 });
  expect(await lab.curl("http://two.example.org/")).toMatchObject({ exitCode: 6 });
  expect(await lab.curl("http://203.0.113.1/")).toMatchObject({ exitCode: 7 });
  const body = [{ action: "allow", target: "two.example.org" }];
  expect(await sidecar.api("PATCH", "/policy", { body })).toMatchObject({ status: 200 });
  expect(await lab.curl("http://two.example.org/")).toMatchObject({ status: 200 });
  const page = await sidecar.api("GET", "/");
  expect(page).toMatchObject({ status: 200, text: expect.stringMatching(/^<!doctype html>[^]*<script>\S/) });
  expect(await sidecar.kill()).toMatchObject({ exitCode: 0 });
  expect(await execIn(lab.sandbox, withOwnPlaces([process.execPath, bundle, "teardown"]))).toMatchObject({
    exitCode: 0,
  });
  expect((await execIn(lab.sandbox, ["nft", "list", "tables"])).stdout).toBe("");
});

/** The files that these need, from their beginning on. */
async function loadedBy(files: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const loaded = new Map<string, string>();
  const load = async (file: string): Promise<void> => {
    if (loaded.has(file)) return;
    const text = await readFile(join(folder, "installed", file), "latin1");
    loaded.set(file, text);
    // What a file needs from its beginning on it keeps in such a constant; what it loads later it does not.
    const needed = text.matchAll(/\brequire_\w+=require\("\.\/([\w-]+\.cjs)"\)/g);
    for (const [, name = ""] of needed) await load(name);
  };
  for (const file of files) await load(file);
  return loaded;
}

test("its run loads neither the sidecar's own file nor the API's or the client's, which would cost each 20 ms and more", async () => {
  const loaded = await loadedBy(["main.cjs", "command.cjs", "run.cjs"]);
  expect([...loaded.keys()]).toContain("shared.cjs");
  expect([...loaded.keys()].filter((file) => ["serve.cjs", "api.cjs", "client.cjs"].includes(file))).toEqual(
    [],
  );
});

test("what its files give each other are values: a getter for each takes 10 ms of a start", async () => {
  const texts = (await loadedBy(["main.cjs", "command.cjs", "serve.cjs"])).values();
  const ends = [...texts].map((text) => text.split(/Object\.defineProperty\(exports,/).length - 1);
  // Those of what has the name of a variable that changes somewhere.
  expect(Math.max(...ends)).toBeLessThan(30);
});

test("its sidecar loads nothing of interception, nor HTTP/2, unless hosts may be bound, nor what runs commands", async () => {
  const loaded = await loadedBy(["main.cjs", "command.cjs", "serve.cjs"]);
  expect([...loaded.keys()]).toContain("shared.cjs");
  const texts = [...loaded.values()];
  expect(texts.some((text) => text.includes("node:net"))).toBe(true);
  for (const word of ["node:http2", "performServerHandshake", "execaNode"]) {
    expect(texts.filter((text) => text.includes(word))).toEqual([]);
  }
});

test("its start and its health load neither Node's crypto module nor TLS, which take 6 and 20 ms", async () => {
  const list = join(folder, "loaded.json");
  const keep = `process.on("exit",()=>process.getBuiltinModule("fs").writeFileSync(${JSON.stringify(list)},JSON.stringify(process.moduleLoadList)))`;
  const hook = ["--import", `data:text/javascript,${encodeURIComponent(keep)}`];
  const program = [process.execPath, ...hook, join(folder, "installed", "egress.mjs"), "serve"] as const;
  await using sidecar = await lab.startSidecar({ program });
  expect(await sidecar.kill()).toMatchObject({ exitCode: 0 });
  await execIn(lab.sandbox, ["nft", "flush", "ruleset"]);
  const loaded = await readFile(list, "utf8");
  expect(loaded).toContain('"NativeModule http"');
  for (const module of ["crypto", "tls", "http2", "zlib", "internal/blocklist"])
    expect(loaded).not.toContain(`"NativeModule ${module}"`);
});

test("its doctor needs nothing but Node", async () => {
  const argv = [process.execPath, join(folder, "installed", "egress.mjs"), "doctor"] as const;
  const result = await execIn(lab.sandbox, withOwnPlaces(workloadArgv(argv)), {
    env: { PATH: "/usr/sbin:/usr/bin" },
  });
  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(result.stdout).toMatch(/^OPEN .* TCP to a denied address /m);
});

test.each(["20.19.0", "22.11.0"])("on Node %s it says in one line what it needs", async (version) => {
  const pretend = `Object.defineProperty(process,"versions",{value:{...process.versions,node:"${version}"}})`;
  const argv = ["--import", `data:text/javascript,${pretend}`, join(folder, "installed", "egress.mjs")];
  expect(await execIn(lab.sandbox, [process.execPath, ...argv, "--version"])).toMatchObject({
    exitCode: 78,
    stdout: "",
    stderr: `egress: Node 24 or later is needed, and this is ${version}\n`,
  });
});

test("an older Node that is really there says so, too", async (context) => {
  const { stdout } = await execIn(lab.sandbox, ["sh", "-c", "/usr/bin/node --version 2>/dev/null || true"]);
  const version = stdout.trim().slice(1);
  if (version === "" || Number.parseInt(version, 10) >= 24)
    skipBecause(context, "/usr/bin/node is no older Node");
  const argv = ["/usr/bin/node", join(folder, "installed", "egress.mjs"), "run", "--", "true"] as const;
  expect(await execIn(lab.sandbox, argv)).toMatchObject({
    exitCode: 78,
    stdout: "",
    stderr: `egress: Node 24 or later is needed, and this is ${version}\n`,
  });
});

test("under sudo, whose PATH may lack Node, the one beside the command is taken, and none is told in a line", async () => {
  const bin = join(folder, "bin");
  await mkdir(bin);
  await symlink(join(folder, "installed", "egress.mjs"), join(bin, "egress"));
  const argv = [join(bin, "egress"), "--version"] as const;
  const env = { PATH: "/usr/sbin:/sbin" };
  expect(await execIn(lab.sandbox, ["/usr/bin/env", ...argv], { env })).toMatchObject({
    exitCode: 78,
    stderr: `egress: no node in PATH, nor beside this command; under sudo: sudo "$(command -v node)" "$(command -v egress)" ...\n`,
  });
  await symlink(process.execPath, join(bin, "node"));
  expect(await execIn(lab.sandbox, ["/usr/bin/env", ...argv], { env })).toMatchObject({
    exitCode: 0,
    stderr: "",
  });
});

test("it is a command by itself", async () => {
  const command = join(folder, "egress");
  await symlink(join(folder, "installed", "egress.mjs"), command);
  const version = await execIn(lab.sandbox, [command, "--version"]);
  expect(version).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^egress \d/) });
});

test("the Node that it was built by takes the compiled code of each of its files", async () => {
  const installed = join(folder, "installed");
  const check = `
    const { readFileSync, readdirSync } = require("node:fs");
    const refused = [];
    const codes = readdirSync(".").filter((name) => name.endsWith(".code"));
    for (const name of codes) {
      const source = readFileSync(name.replace(/[.]code$/, ""), "latin1");
      const script = new (require("node:vm").Script)(source, { cachedData: readFileSync(name) });
      if (script.cachedDataRejected) refused.push(name);
    }
    console.log(codes.includes("serve.cjs.code"), refused);`;
  const result = await execIn(lab.sandbox, [process.execPath, "-e", check], { cwd: installed });
  expect(result).toMatchObject({ exitCode: 0, stderr: "", stdout: "true []\n" });
});

test("it starts without that code, and with code that this Node refuses", async () => {
  const installed = join(folder, "other-release");
  await cp(join(folder, "installed"), installed, { recursive: true });
  await rm(join(installed, "main.cjs.code"));
  await truncate(join(installed, "serve.cjs.code"), 16);
  const version = await execIn(lab.sandbox, [process.execPath, join(installed, "egress.mjs"), "--version"]);
  expect(version).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^egress \d/), stderr: "" });
});

test("a run denies metadata services by the rules that lie in its folder, and is refused without them", async () => {
  const machine = createMachine(lab);
  const alone = join(folder, "alone");
  await cp(join(folder, "installed"), alone, { recursive: true });
  const program = [process.execPath, join(alone, "egress.mjs")] as const;
  const policy = join(folder, "allowing.json");
  await writeFile(policy, '{"defaultAction":"allow","egress":[]}');
  const script = "curl -s --max-time 5 http://169.254.169.254/; echo $?";
  const args = ["--policy", policy, "--", "sh", "-c", script];
  expect(await machine.run(args, { program })).toMatchObject({ exitCode: 0, stdout: "7\n" });
  await rm(join(alone, "rules", "deny.always"));
  const refused = await machine.run(args, { program });
  expect(refused).toMatchObject({ exitCode: 125, stdout: "" });
  expect(refused.stderr).toContain("rules/deny.always: is not beside the program: copy its folder whole");
});

test("what the command of a run writes into the program's folder is not loaded by the run", async () => {
  const installed = join(folder, "writable");
  await cp(join(folder, "installed"), installed, { recursive: true });
  const owned = join(folder, "owned");
  const evil = `((e, r, d) => { process.getBuiltinModule("fs").writeFileSync(${JSON.stringify(owned)}, ""); })`;
  const script = `cd ${installed}; for file in client.cjs api.cjs; do echo '${evil}' >$file; rm $file.code; done; exit 3`;
  const program = [process.execPath, join(installed, "egress.mjs")] as const;
  const { exitCode, stderr } = await createMachine(lab).run(["--audit", "--", "sh", "-c", script], {
    program,
  });
  expect({ exitCode, isOwned: existsSync(owned) }).toEqual({ exitCode: 3, isOwned: false });
  expect(stderr).toContain("client.cjs has changed since this program was started");
});
