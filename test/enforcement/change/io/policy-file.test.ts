import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmod,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PersistError } from "../../../../src/enforcement/errors.ts";
import { createPolicyStorage, loadPolicyFile } from "../../../../src/enforcement/change/io/policy-file.ts";
import { renderPolicyText } from "../../../../src/policy/policy-text.ts";
import { renderPolicy } from "../../../../src/policy/policy.ts";
import { policyOf } from "../../../support/policy.ts";

/** One more than a policy may have. */
const SCOPES = Array.from({ length: 257 }, (_, index) => ({ target: "a.example", ports: [index + 1] }));
const POLICY = policyOf({ egress: [{ action: "allow", target: " Example.COM." }] });
const TEXT = `${JSON.stringify(renderPolicy(POLICY))}\n`;

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "policy-file-"));
  path = join(folder, "policy.json");
});

afterEach(async () => rm(folder, { recursive: true, force: true }));

async function store(): Promise<void> {
  const staged = await createPolicyStorage(path).stage(renderPolicyText(POLICY));
  await staged.commit();
}

describe("loading", () => {
  test("a link that stands where a broken file's copy goes is replaced, not followed", async () => {
    const elsewhere = join(folder, "elsewhere");
    await writeFile(elsewhere, "another file");
    await writeFile(path, "broken");
    await symlink(elsewhere, `${path}.corrupt`);
    await loadPolicyFile(path);
    expect(await readFile(elsewhere, "utf8")).toBe("another file");
    expect(await readFile(`${path}.corrupt`, "utf8")).toBe("broken");
  });

  test("a file that is not there gives no policy and no warning", async () => {
    expect(await loadPolicyFile(path)).toEqual({ policy: undefined, warnings: [] });
  });

  test.each(["gone/policy.json", "to-gone.json"])(
    "a folder that is not there is an error, not an absent file: %s",
    async (name) => {
      await symlink("gone/policy.json", join(folder, "to-gone.json"));
      await expect(loadPolicyFile(join(folder, name))).rejects.toMatchObject({
        name: "PersistError",
        errno: "ENOENT",
        message: expect.stringContaining("its folder does not exist"),
      });
    },
  );

  test("what says nothing in a file that somebody has written is a warning with its place", async () => {
    await writeFile(path, '{"egress":[{"target":"a.example","note":"x"}]}');
    const { policy, warnings } = await loadPolicyFile(path);
    expect(policy?.egress).toHaveLength(1);
    expect(warnings).toEqual([expect.stringContaining(`policy file ${path} egress[0].note: `)]);
  });

  test("what was stored gives the same policy, spelling included", async () => {
    await store();
    expect(await loadPolicyFile(path)).toEqual({ policy: POLICY, warnings: [] });
  });

  test.each([
    { what: "empty", text: "" },
    { what: "blank", text: " \n" },
    { what: "cut off", text: TEXT.slice(0, 20) },
    { what: "no policy", text: '{"egress":[{"target":"*"}]}' },
    { what: "of too many different scopes", text: JSON.stringify({ egress: SCOPES }) },
  ])("a file that is $what is a warning and kept aside", async ({ text }) => {
    await writeFile(path, text);
    const { policy, warnings } = await loadPolicyFile(path);
    expect(policy).toBeUndefined();
    expect(warnings.join("\n")).toContain(path);
    expect(await readFile(`${path}.corrupt`, "utf8")).toBe(text);
  });

  test("cleans up what a killed process left beside it", async () => {
    await store();
    await writeFile(`${path}.staged`, "{");
    expect((await loadPolicyFile(path)).policy).toEqual(POLICY);
    expect(await readdir(folder)).toEqual(["policy.json"]);
  });

  test("does not take a staged text for a broken file that no write of ours tore", async () => {
    await writeFile(path, "{ broken by hand");
    await writeFile(`${path}.staged`, TEXT);
    expect((await loadPolicyFile(path)).policy).toBeUndefined();
  });

  test("finishes a write into the file that was torn after its first page", async () => {
    const egress = Array.from({ length: 300 }, (_, n) => ({
      action: "allow",
      target: `host-${n}.example.org`,
    }));
    const large = policyOf({ egress });
    await createPolicyStorage(path).stage(renderPolicyText(large));
    const whole = await readFile(`${path}.staged`);
    await writeFile(path, Buffer.concat([whole.subarray(0, 8192), Buffer.alloc(5000, "x")]));
    const { policy, warnings } = await loadPolicyFile(path);
    expect(policy).toEqual(large);
    expect(warnings.join("\n")).toContain("cut off");
    expect(await readFile(path)).toEqual(whole);
  });
});

describe("storing", () => {
  test("a new file has mode 0600", async () => {
    await store();
    expect(await readFile(path, "utf8")).toBe(TEXT);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test("an old file keeps its mode", async () => {
    await writeFile(path, "{}");
    await chmod(path, 0o640);
    await store();
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    expect(await readdir(folder)).toEqual(["policy.json"]);
  });

  test("a symbolic link stays, and what it points at is replaced", async () => {
    const real = join(folder, "real.json");
    await writeFile(real, "{}");
    await symlink(real, path);
    await store();
    expect(await readFile(real, "utf8")).toBe(TEXT);
    expect(await readdir(folder)).toEqual(["policy.json", "real.json"]);
  });

  test("a link to a file that is not there yet stays, and the file is made where it points", async () => {
    const real = join(folder, "real.json");
    await symlink("middle.json", path);
    await symlink("./real.json", join(folder, "middle.json"));
    expect(await loadPolicyFile(path)).toEqual({ policy: undefined, warnings: [] });
    await store();
    expect(await readFile(real, "utf8")).toBe(TEXT);
    expect(await readdir(folder)).toEqual(["middle.json", "policy.json", "real.json"]);
    expect(await readlink(path)).toBe("middle.json");
  });

  test("leaves the old text until it is committed, and for good when discarded", async () => {
    await writeFile(path, "{}");
    const staged = await createPolicyStorage(path).stage(renderPolicyText(POLICY));
    expect(await readFile(path, "utf8")).toBe("{}");
    await staged.discard();
    expect(await readFile(path, "utf8")).toBe("{}");
    expect(await readdir(folder)).toEqual(["policy.json"]);
  });

  test("in a folder that is not there is an error that names the path and a remedy", async () => {
    const gone = join(folder, "gone", "policy.json");
    const error = await createPolicyStorage(gone)
      .stage(renderPolicyText(POLICY))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PersistError);
    expect(error).toMatchObject({ path: gone, errno: "ENOENT", message: expect.stringContaining("make it") });
  });

  test("over a folder is an error", async () => {
    await expect(createPolicyStorage(folder).stage(renderPolicyText(POLICY))).rejects.toMatchObject({
      errno: "EISDIR",
    });
  });

  test.skipIf(process.getuid?.() !== 0)("on a full disk is an error that leaves nothing behind", async () => {
    const result = await runChild("full", path, "none");
    expect(result.lines).toContain("ENOSPC");
    expect(result.lines).toContain("files policy.json");
  });
});

describe("a SIGKILL", () => {
  const OLD = `${JSON.stringify({ egress: [{ action: "deny", target: "old.example" }], defaultAction: "deny" })}\n`;

  test.each(["opened", "written", "synced"])(
    "after the staged file is %s leaves the old text",
    async (step) => {
      await writeFile(path, OLD);
      expect((await runChild("rename", path, step)).signal).toBe("SIGKILL");
      expect(await readFile(path, "utf8")).toBe(OLD);
      expect(renderPolicy((await loadPolicyFile(path)).policy ?? POLICY).egress[0]?.target).toBe(
        "old.example",
      );
      expect(await readdir(folder)).toEqual(["policy.json"]);
    },
  );

  test.each(["renamed", "done"])("after it is %s leaves the new text", async (step) => {
    await writeFile(path, OLD);
    expect((await runChild("rename", path, step)).signal).toBe("SIGKILL");
    expect(await readFile(path, "utf8")).toBe(TEXT);
  });

  // A bind mount needs root and a mount namespace of its own: `unshare --mount`.
  test.skipIf(process.getuid?.() !== 0).each(["short", "long"])(
    "between any two calls on a bind-mounted file leaves one whole text, the old one being %s",
    async (length) => {
      const old = length === "short" ? "{}" : OLD.padEnd(2000, " ");
      for (const step of ["synced", "overwritten", "cut", "done"]) {
        await writeFile(path, old);
        expect(await runChild("bind", path, step)).toEqual({ signal: "SIGKILL", lines: [""] });
        const { policy, warnings } = await loadPolicyFile(path);
        expect(warnings).toEqual([]);
        const expected = step === "synced" ? policyOf(JSON.parse(old)) : POLICY;
        expect(policy).toEqual(expected);
        await truncate(path, 0);
      }
    },
  );
});

/** Stores POLICY in a process of its own, which kills itself after a step. */
async function runChild(kind: "rename" | "bind" | "full", file: string, killAfter: string) {
  const child = join(import.meta.dirname, "store-policy-child.ts");
  const command = [process.execPath, child, kind, file, killAfter];
  const wrapped = kind === "rename" ? command : ["unshare", "--mount", ...command];
  const [program = "", ...rest] = wrapped;
  const running = spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  running.stdout.on("data", (chunk) => (output += chunk));
  running.stderr.on("data", (chunk) => (output += chunk));
  const [, signal] = await once(running, "close");
  return { signal, lines: output.trim().split("\n") };
}
