/** Which policy file holds in a folder, and which is not taken. */
import { chmod, chown, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findCaller } from "../../../../src/cli/run/config/caller.ts";
import { findConfig } from "../../../../src/cli/run/config/find-config.ts";
import { presetFolders, readPreset } from "../../../../src/cli/run/config/presets.ts";
import { words } from "../../../support/policy.ts";
import { skipBecause } from "../../../support/skip.ts";

let top: string;
let work: string;
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), "egress-config-"));
  work = join(top, "home", "repo", "src");
  await mkdir(work, { recursive: true });
});
afterEach(() => rm(top, { recursive: true }));

const ME = process.geteuid?.() ?? 0;

async function put(path: string, text = "allow: [example.org]\n"): Promise<string> {
  await mkdir(dirname(join(top, path)), { recursive: true });
  await writeFile(join(top, path), text);
  return join(top, path);
}

function find(uids: readonly number[] = [0, ME]): string | undefined {
  const found = findConfig(work, {
    uids: new Set(uids),
    home: join(top, "home"),
    configFolder: undefined,
    act: (what) => what(),
  });
  if (found.ok) return found.value?.path;
  return found.problems.map(({ path, message }) => `${path}: ${message}`).join();
}

test("the nearest file at or above the working directory is found", async () => {
  const outer = await put("home/repo/egress.json", "{}");
  expect(find()).toBe(outer);
  const inner = await put("home/repo/src/egress.yaml");
  expect(find()).toBe(inner);
});

test("the search ends at the root of the repository", async () => {
  await put("home/egress.yaml");
  await mkdir(join(top, "home/repo/.git"));
  expect(find()).toBe(undefined);
  const own = await put("home/repo/egress.yml");
  expect(find()).toBe(own);
});

test("the search ends at the caller's home", async () => {
  await put("egress.yaml");
  expect(find()).toBe(undefined);
  const own = await put("home/egress.yaml");
  expect(find()).toBe(own);
});

test("two files in one folder are refused", async () => {
  await put("home/repo/egress.json");
  await put("home/repo/egress.yaml");
  expect(find()).toMatch(/repo\/egress\.yaml: stands beside .*egress\.json: keep one of them/);
});

test("a stranger's file is refused, however near, and the remedy named", async (context) => {
  const path = await put("home/repo/egress.yaml");
  if (ME !== 0) skipBecause(context, "only root gives files away");
  await chown(path, 4321, 4321);
  expect(find([0])).toBe(
    `${path}: it belongs to user 4321, not to you; --config FILE takes it, --no-config does without`,
  );
  expect(find([0, 4321])).toBe(path);
});

test("a file that everybody may write to is refused", async () => {
  const path = await put("home/repo/egress.yaml");
  await chmod(path, 0o666);
  expect(find()).toContain("everybody may write to it");
});

test("a link that a stranger has put there is refused, whatever it leads to", async (context) => {
  if (ME !== 0) skipBecause(context, "only root gives files away");
  const target = await put("mine.yaml");
  const link = join(top, "home/repo/egress.yaml");
  await symlink(target, link);
  expect(find()).toBe(link);
  const { lchown } = await import("node:fs/promises");
  await lchown(link, 4321, 4321);
  expect(find([0])).toContain("it belongs to user 4321");
});

test("a link to nothing is refused with the remedy, and nothing above it is taken instead", async () => {
  await put("home/repo/egress.yaml");
  const link = join(work, "egress.yaml");
  await symlink("../rules/gone.yaml", link);
  expect(find()).toBe(
    `${link}: is a link to ../rules/gone.yaml, which is not there; put that right, or --no-config does without`,
  );
  await rm(link);
  await symlink(join(top, "mine.yaml", "within"), link);
  await put("mine.yaml");
  expect(find()).toContain("mine.yaml/within, which is not there");
});

test("a .git that leads nowhere ends the search, too", async () => {
  await put("home/egress.yaml");
  await symlink("gone", join(top, "home/repo/.git"));
  expect(find()).toBe(undefined);
});

test.each([
  ["a folder", (path: string) => mkdir(path), "is not a regular file"],
  ["a file of many megabytes", (path: string) => writeFile(path, Buffer.alloc(2 << 20)), "is larger than"],
])("%s in its place is refused", async (_case, make, message) => {
  await make(join(work, "egress.yaml"));
  expect(find()).toContain(message);
});

test("under sudo the caller is who called, and the folder of presets is theirs", () => {
  const caller = findCaller({ SUDO_UID: "65534", HOME: "/root", XDG_CONFIG_HOME: "/root/x" }, 0);
  expect([...caller.uids]).toEqual([0, 65534]);
  expect(caller.home).not.toBe("/root");
  expect(findCaller({ SUDO_UID: "0", HOME: "/root" }, 0)).toMatchObject({
    uids: new Set([0]),
    home: "/root",
    configFolder: "/root/.config",
  });
  // Whoever is not root cannot say who called.
  expect([...findCaller({ SUDO_UID: "5", HOME: "/home/a", XDG_CONFIG_HOME: "/cfg" }, 1000).uids]).toEqual([
    0, 1000,
  ]);
});

test("a preset of one's own goes before the one that is shipped", async () => {
  const folders = presetFolders(join(top, "config"));
  expect(folders).toEqual([join(top, "config/egress/presets"), expect.stringMatching(/rules\/presets$/)]);
  const shipped = readPreset("model-apis", folders);
  expect(shipped.ok && shipped.value.rules.length).toBeGreaterThan(2);
  const path = await put("config/egress/presets/model-apis.yaml", "allow: [models.example.org]\n");
  const own = readPreset("model-apis", folders);
  expect(own.ok && { ...own.value, rules: words(own.value.rules) }).toEqual({
    path,
    rules: ["allow models.example.org"],
  });
});

test("a preset of one's own that leads nowhere does not give way to the shipped one", async () => {
  const folders = presetFolders(join(top, "config"));
  const path = await put("config/egress/presets/model-apis.yaml");
  await rm(path);
  await symlink("gone.yaml", path);
  expect(readPreset("model-apis", folders)).toMatchObject({
    ok: false,
    problems: [{ message: `${path} is a link to gone.yaml, which is not there` }],
  });
});

test.each([
  [
    "nothing",
    undefined,
    /^there is no preset "mine"; there are code-hosts, container-registries, model-apis$/,
  ],
  ["one that names others", "presets: [code-hosts]", /names no others/],
  ["one that allows the rest", "defaultAction: allow", /of rules alone/],
  ["one that is wrong", "allow: [a b]", /^allow\[0\]: /],
])("as a preset %s is refused", async (_case, text, message) => {
  if (text !== undefined) await put("config/egress/presets/mine.yaml", text);
  const read = readPreset("mine", presetFolders(join(top, "config")));
  expect(read.ok ? [] : read.problems.map((problem) => problem.message)).toEqual([
    expect.stringMatching(message),
  ]);
});
