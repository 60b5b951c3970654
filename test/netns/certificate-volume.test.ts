/**
 * The volume that the certificate's file goes to is the workload's, too: it may be full, or read-only. Then
 * the sandbox does not look ready, it is told why, and all is well as soon as the file can be written.
 */
import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { type Argv, runCommand } from "../../src/netns/command.ts";
import { CA_FOLDER } from "../support/own-places.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab();
const POLICY = { egress: [{ action: "allow", target: "one.example.org" }] };

/** Of the sidecar's own mounts. */
function start(commands: string): Promise<Sidecar> {
  const prepare = `mkdir -p ${CA_FOLDER} && cd ${CA_FOLDER} && ${commands} && cd / && exec "$@"`;
  return lab.startSidecar({
    policy: POLICY,
    env: { OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT: "true" },
    program: ["/bin/sh", "-c", prepare, "sh", process.execPath, MAIN, "serve"],
    awaitHealth: false,
  });
}

const SMALL = `mount -t tmpfs -o size=4k tmpfs ${CA_FOLDER} && cd ${CA_FOLDER}`;
const READ_ONLY = `mount -o remount,ro ${CA_FOLDER}`;

async function inMountsOf({ pid }: Sidecar, script: string): Promise<void> {
  const argv: Argv = ["nsenter", "--target", String(pid), "--mount", "/bin/sh", "-c", script];
  const { exitCode, stderr } = await runCommand(argv);
  if (exitCode !== 0) throw new Error(stderr);
}

const filesOf = ({ pid }: Sidecar): readonly string[] => readdirSync(`/proc/${pid}/root${CA_FOLDER}`);

async function untilItSays(sidecar: Sidecar, what: RegExp): Promise<void> {
  await until(`health says ${what.source}`, async () => {
    const said = await sidecar.api("GET", "/healthz").catch(() => undefined);
    return said !== undefined && what.test(`${said.status} ${said.text}`);
  });
}

test.each([
  ["full", `${SMALL} && head -c 4096 /dev/zero > fill`, `rm ${CA_FOLDER}/fill`, ["fill"]],
  ["read-only", `${SMALL} && ${READ_ONLY}`, `mount -o remount,rw ${CA_FOLDER}`, []],
])(
  "%s: not ready, and why; what is not bound is reached; ready once it can be written",
  async (_how, spoil, mend, left) => {
    await using sidecar = await start(spoil);
    await untilItSays(sidecar, /^503 mitmproxy not ready: the certificate's file is not written/);
    expect(filesOf(sidecar)).toEqual(left);
    expect(sidecar.logs()).toContainEqual(
      expect.objectContaining({ level: "error", msg: expect.stringContaining("cannot be written") }),
    );
    expect((await lab.curl("http://one.example.org/")).exitCode).toBe(0);
    await inMountsOf(sidecar, mend);
    await untilItSays(sidecar, /^200 /);
    expect(filesOf(sidecar)).toEqual(["mitmproxy-ca-cert.pem"]);
  },
);

test("read-only with a root of somebody's: everything is denied, since the sandbox would trust that", async () => {
  const stale = `${SMALL} && echo old > mitmproxy-ca-cert.pem && ${READ_ONLY}`;
  await using sidecar = await start(stale);
  await untilItSays(sidecar, /^503 OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT: .*cannot be removed/);
  expect((await lab.curl("http://198.51.100.1/")).exitCode).toBe(7);
});
