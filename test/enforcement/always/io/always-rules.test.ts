import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type AlwaysRules,
  type AlwaysRulesWatch,
  type RuleFiles,
  loadAlwaysRules,
  readDenyAlways,
  watchAlwaysRules,
} from "../../../../src/enforcement/always/io/always-rules.ts";
import type { Problem } from "../../../../src/policy/problem.ts";
import { promised, WAIT_MS } from "../../../support/limits.ts";

let folder: string;
let watching: AlwaysRulesWatch | undefined;
let applied: AlwaysRules[];
let problems: Problem[][];
let files: RuleFiles[];
let failures: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "always-rules-"));
  applied = [];
  problems = [];
  files = [];
  failures = 0;
});

afterEach(async () => {
  await watching?.close();
  watching = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function startWatching(where = folder, before: Partial<AlwaysRules> = {}): Promise<AlwaysRulesWatch> {
  watching = await watchAlwaysRules(
    { folder: where },
    {
      onFiles: (found) => files.push(found),
      async apply(rules) {
        if (failures > 0) {
          failures -= 1;
          throw new Error("the kernel is busy");
        }
        applied.push(rules);
      },
      onProblems: (found) => problems.push([...found]),
    },
    before,
  );
  return watching;
}

function keys(rules: AlwaysRules | undefined) {
  return [rules?.denyAlways, rules?.allowAlways, rules?.logSkip].map((list) =>
    list?.map(({ key }) => key).join(" "),
  );
}

const lastKeys = () => keys(applied.at(-1));
const withinASecond = { timeout: promised(1000), interval: 10 };

describe("loading", () => {
  test("missing files, and a missing folder, are empty", async () => {
    const { rules, problems: found } = await loadAlwaysRules({ folder: join(folder, "nowhere") });
    expect(keys(rules)).toEqual(["", "", ""]);
    expect(found).toEqual([]);
  });

  test("reads all three files", async () => {
    await writeFile(join(folder, "deny.always"), "# metadata\r\n169.254.169.254\r\n\r\n");
    await writeFile(join(folder, "allow.always"), "*.example.org\n");
    await writeFile(join(folder, "log_skip.always"), "Example.COM\n");
    expect(keys((await loadAlwaysRules({ folder })).rules)).toEqual([
      "169.254.169.254",
      "*.example.org",
      "example.com",
    ]);
  });

  test("a bad line names file, line and reason, and keeps what the file had", async () => {
    await writeFile(join(folder, "deny.always"), "192.0.2.1\n");
    const before = (await loadAlwaysRules({ folder })).rules;
    await writeFile(join(folder, "deny.always"), "192.0.2.2\n*foo.com\n");
    const { rules, problems: found } = await loadAlwaysRules({ folder }, before);
    expect(keys(rules)[0]).toBe("192.0.2.1");
    expect(found).toHaveLength(1);
    expect(found[0]?.path).toBe(`${join(folder, "deny.always")}:2`);
    expect(found[0]?.message).not.toBe("");
  });

  test("a deny.always that has become unreadable between two readings of a start keeps what it said", async () => {
    await writeFile(join(folder, "deny.always"), "192.0.2.1\n");
    const said = await readDenyAlways({ folder });
    await writeFile(join(folder, "deny.always"), "*foo.com\n");
    const watched = await startWatching(folder, said.ok ? { denyAlways: said.value } : {});
    expect(keys(watched.initial)[0]).toBe("192.0.2.1");
    expect(problems).toHaveLength(1);
  });

  test("an address in the skip list is a problem", async () => {
    await writeFile(join(folder, "log_skip.always"), "192.0.2.1\n");
    expect((await loadAlwaysRules({ folder })).problems).toHaveLength(1);
  });
});

describe("watching", () => {
  test("hands on nothing while nothing changes", async () => {
    await writeFile(join(folder, "deny.always"), "192.0.2.1\n");
    const { initial } = await startWatching();
    expect(keys(initial)[0]).toBe("192.0.2.1");
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(applied).toEqual([]);
  });

  test("a changed file is applied within a second", async () => {
    await startWatching();
    await writeFile(join(folder, "deny.always"), "192.0.2.1\n");
    await expect.poll(lastKeys, withinASecond).toEqual(["192.0.2.1", "", ""]);
    await writeFile(join(folder, "deny.always"), "192.0.2.2\n");
    await expect.poll(lastKeys, withinASecond).toEqual(["192.0.2.2", "", ""]);
    await rm(join(folder, "deny.always"));
    await expect.poll(lastKeys, withinASecond).toEqual(["", "", ""]);
  });

  test("two files changed together are applied in one step", async () => {
    await startWatching();
    await writeFile(join(folder, "deny.always"), "192.0.2.1\n");
    await writeFile(join(folder, "allow.always"), "192.0.2.2\n");
    await expect.poll(() => applied.length, withinASecond).toBe(1);
    expect(lastKeys()).toEqual(["192.0.2.1", "192.0.2.2", ""]);
  });

  test("follows the swap of a Kubernetes ConfigMap's ..data link", async () => {
    await mkdir(join(folder, "..one"));
    await mkdir(join(folder, "..two"));
    await writeFile(join(folder, "..one", "deny.always"), "192.0.2.1\n");
    await writeFile(join(folder, "..two", "deny.always"), "192.0.2.2\n");
    await symlink("..one", join(folder, "..data"));
    await symlink(join("..data", "deny.always"), join(folder, "deny.always"));
    const { initial } = await startWatching();
    expect(keys(initial)[0]).toBe("192.0.2.1");
    await symlink("..two", join(folder, "..data_tmp"));
    await rename(join(folder, "..data_tmp"), join(folder, "..data"));
    await expect.poll(lastKeys, withinASecond).toEqual(["192.0.2.2", "", ""]);
  });

  test("sees a folder that comes later, goes, and comes again", async () => {
    const later = join(folder, "later");
    await startWatching(later);
    for (const address of ["192.0.2.1", "192.0.2.2"]) {
      await mkdir(later);
      await writeFile(join(later, "deny.always"), `${address}\n`);
      await expect.poll(lastKeys, withinASecond).toEqual([address, "", ""]);
      await rm(later, { recursive: true });
      await expect.poll(lastKeys, withinASecond).toEqual(["", "", ""]);
    }
  });

  test("a bad line keeps the file's rules, is told once, and the other file changes", async () => {
    await writeFile(join(folder, "deny.always"), "192.0.2.1\n");
    await startWatching();
    await writeFile(join(folder, "deny.always"), "192.0.2.2\n10.0.0.0/33\n");
    await writeFile(join(folder, "allow.always"), "192.0.2.3\n");
    await expect.poll(lastKeys, withinASecond).toEqual(["192.0.2.1", "192.0.2.3", ""]);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(problems).toHaveLength(1);
    expect(problems[0]?.[0]?.path).toBe(`${join(folder, "deny.always")}:2`);
  });

  test("what could not be applied is tried again", async () => {
    await startWatching();
    failures = 1;
    await writeFile(join(folder, "deny.always"), "192.0.2.1\n");
    await expect.poll(lastKeys, { timeout: promised(1000), interval: 10 }).toEqual(["192.0.2.1", "", ""]);
  });
});

test("what cannot be applied is not tried again at once", async () => {
  await startWatching();
  failures = 3;
  const beganMs = performance.now();
  await writeFile(join(folder, "deny.always"), "192.0.2.1\n");
  await expect.poll(lastKeys, { timeout: WAIT_MS, interval: 10 }).toEqual(["192.0.2.1", "", ""]);
  expect(performance.now() - beganMs).toBeGreaterThan(1_200);
});

describe("a shipped file", () => {
  let shipped: string;
  beforeEach(async () => {
    shipped = await mkdtemp(join(tmpdir(), "shipped-rules-"));
    await writeFile(join(shipped, "deny.always"), "192.0.2.254\n");
  });
  afterEach(() => rm(shipped, { recursive: true }));

  test.each([
    ["an empty folder", "."],
    ["no folder", "nowhere"],
  ])("holds where the operator has %s", async (_what, where) => {
    const { rules, files: found } = await loadAlwaysRules({ folder: join(folder, where), shipped });
    expect(keys(rules)).toEqual(["192.0.2.254", "", ""]);
    expect(found).toEqual({ denyAlways: join(shipped, "deny.always") });
  });

  test("gives way to a file of its name, an empty one too", async () => {
    await writeFile(join(folder, "deny.always"), "");
    const { rules, files: found } = await loadAlwaysRules({ folder, shipped });
    expect(keys(rules)).toEqual(["", "", ""]);
    expect(found).toEqual({ denyAlways: join(folder, "deny.always") });
  });

  test("does not stand in for one that cannot be read", async () => {
    await writeFile(join(folder, "deny.always"), "10.0.0.0/33\n");
    const { rules, problems: found } = await loadAlwaysRules({ folder, shipped });
    expect(keys(rules)).toEqual(["", "", ""]);
    expect(found).toHaveLength(1);
    expect(await readDenyAlways({ folder, shipped })).toMatchObject({ ok: false });
  });

  test("is told when it comes into force and when it goes", async () => {
    watching = await watchAlwaysRules(
      { folder, shipped },
      {
        apply: async (rules) => void applied.push(rules),
        onProblems: (found) => problems.push([...found]),
        onFiles: (found) => files.push(found),
      },
    );
    await writeFile(join(folder, "deny.always"), "192.0.2.1\n");
    await expect.poll(lastKeys, withinASecond).toEqual(["192.0.2.1", "", ""]);
    await rm(join(folder, "deny.always"));
    await expect.poll(lastKeys, withinASecond).toEqual(["192.0.2.254", "", ""]);
    const [own, other] = [join(folder, "deny.always"), join(shipped, "deny.always")];
    expect(files.map(({ denyAlways }) => denyAlways)).toEqual([other, own, other]);
  });
});

test("files of hundreds of thousands of names are read while everything else has its turn", async () => {
  const names = Array.from({ length: 200_000 }, (_, n) => `n${n}.example.org`);
  await writeFile(join(folder, "deny.always"), names.join("\n"));
  let turns = 0;
  let isOver = false;
  const takeTurn = (): void => {
    turns += 1;
    if (!isOver) setImmediate(takeTurn);
  };
  takeTurn();
  const { rules } = await loadAlwaysRules({ folder });
  isOver = true;
  expect(rules.denyAlways).toHaveLength(names.length);
  // A turn each half millisecond of the work, which takes 100 ms on the fastest machine.
  expect(turns).toBeGreaterThan(100);
});
