/**
 * The folder of the operator's rule files goes, comes again, or becomes another one: what changes then is in
 * force as ever.
 */
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { requireCommand } from "../../src/netns/command.ts";
import { promised } from "../support/limits.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const WITHOUT_INOTIFY = fileURLToPath(new URL("../support/clients/without_inotify.py", import.meta.url));
const POLICY = {
  egress: ["one.example.org", "two.example.org"].map((target) => ({ action: "allow", target })),
};
const lab = useLab({ per: "test" });

const folder = (): string => join(lab.stateFolder, "rules");
const besideIt = (name: string): string => join(lab.stateFolder, name);

async function makeFolder(path: string, denied: string): Promise<void> {
  await mkdir(path);
  await writeFile(join(path, "deny.always"), `${denied}.example.org\n`);
}

const rcodeOf = async (name: string): Promise<unknown> => (await lab.dig(`${name}.example.org`, "A")).rcode;

/** That name and no other. A second more than promised: each look takes two digs. */
function isDenied(denied: "one" | "two"): Promise<boolean> {
  const other = denied === "one" ? "two" : "one";
  return until(
    `${denied} is denied, and ${other} is not`,
    async () => (await rcodeOf(denied)) === "NXDOMAIN" && (await rcodeOf(other)) === "NOERROR",
    promised(2_000),
  );
}

type Replace = (sidecar: Sidecar) => Promise<unknown>;

/** Each ends with a folder that denies `one`. */
const WAYS: readonly (readonly [string, Replace])[] = [
  [
    "is deleted and made again",
    async () => {
      await rm(folder(), { recursive: true });
      await makeFolder(folder(), "one");
    },
  ],
  [
    "is moved away, and another takes its place",
    async () => {
      await makeFolder(besideIt("next"), "one");
      await rename(folder(), besideIt("old"));
      await rename(besideIt("next"), folder());
    },
  ],
  [
    "becomes a link to another",
    async () => {
      await makeFolder(besideIt("elsewhere"), "one");
      await rename(folder(), besideIt("old"));
      await symlink(besideIt("elsewhere"), folder());
    },
  ],
  [
    "is a ConfigMap's, whose link ..data is swapped",
    async () => {
      await makeFolder(join(folder(), "..1"), "two");
      await symlink("..1", join(folder(), "..data"));
      await rm(join(folder(), "deny.always"));
      await symlink("..data/deny.always", join(folder(), "deny.always"));
      expect(await isDenied("two")).toBe(true);
      await makeFolder(join(folder(), "..2"), "one");
      await symlink("..2", join(folder(), "..data_tmp"));
      await rename(join(folder(), "..data_tmp"), join(folder(), "..data"));
    },
  ],
  [
    "has another mounted over it",
    async ({ pid }) => {
      await makeFolder(besideIt("mounted"), "one");
      const mount = ["mount", "--bind", besideIt("mounted"), folder()] as const;
      await requireCommand(["nsenter", `--mount=/proc/${pid}/ns/mnt`, ...mount]);
    },
  ],
];

test.each(WAYS)("the folder %s: that change and the next are in force", async (_, replace) => {
  const sidecar = await lab.startSidecar({ policy: POLICY });
  await replace(sidecar);
  expect(await isDenied("one")).toBe(true);
  // Written in place, in the folder that the sidecar sees there now.
  await writeFile(`/proc/${sidecar.pid}/root${folder()}/deny.always`, "two.example.org\n");
  expect(await isDenied("two")).toBe(true);
});

test("a folder that cannot be watched is looked at from time to time", async () => {
  const program = ["python3", WITHOUT_INOTIFY, process.execPath, MAIN, "serve"] as const;
  await lab.startSidecar({ policy: POLICY, program });
  for (const denied of ["one", "two"] as const) {
    await writeFile(join(folder(), "deny.always"), `${denied}.example.org\n`);
    expect(await isDenied(denied)).toBe(true);
  }
});

test("a file that cannot be read is told once, and its rules stay", async () => {
  await writeFile(join(folder(), "deny.always"), "one.example.org\n");
  const sidecar = await lab.startSidecar({ policy: POLICY });
  const told = (): readonly unknown[] => sidecar.logs().filter(({ msg }) => msg === "rule files not taken");
  await rm(join(folder(), "deny.always"));
  await mkdir(join(folder(), "deny.always"));
  await until("it is told", () => told().length > 0);
  for (const allowed of ["203.0.113.1", "203.0.113.2", "203.0.113.3"]) {
    await writeFile(join(folder(), "allow.always"), `${allowed}\n`);
    await until("the other file is taken", async () => (await lab.curl(`http://${allowed}/`)).status === 200);
  }
  expect(await isDenied("one")).toBe(true);
  expect(told()).toHaveLength(1);
});
