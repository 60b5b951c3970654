/**
 * Row 39: the sandbox's own authority: whom its roots speak for, where its keys are, and what is left of it
 * behind a restart.
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { API, certificatesOf, OTHER, useBoundHosts } from "../support/bound-hosts.ts";
import { CA_FOLDER } from "../support/own-places.ts";
import type { Sidecar } from "../support/sidecar.ts";

const on = useBoundHosts();
const { lab } = on;
const start = (): Promise<Sidecar> => on.start({ OPENSANDBOX_EGRESS_CA_HOSTS: API });
let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await start();
  await on.bind(sidecar, [API]);
});
afterAll(() => sidecar[Symbol.asyncDispose]());

/** Who has signed what the workload is shown for the name, and whether the roots vouch for it. */
async function shownFor(name: string) {
  const asked = ["-connect", `${API}:443`, "-servername", name, "-verify_hostname", name];
  const trusting = ["-CAfile", on.bundle(sidecar), "-no-CApath", "-no-CAstore", "-verify_return_error"];
  const { exitCode, stdout } = await lab.asWorkload(["openssl", "s_client", ...asked, ...trusting]);
  return { isTrusted: exitCode === 0, issuer: /^issuer=(.*)$/m.exec(stdout)?.[1] };
}

test("row 39: only a bound host is spoken for; another allowed one at its address has its own certificate", async () => {
  expect(await shownFor(API)).toMatchObject({ isTrusted: true });
  expect(await shownFor(OTHER)).toMatchObject({ isTrusted: false });
  const { answer } = await on.ask(`https://${OTHER}/`, "--cacert", on.rootFile());
  expect(answer).toMatchObject({ sni: OTHER });
});

test("row 39: the roots are constrained to the bound hosts", async () => {
  const { stdout } = await execIn(lab.sandbox, [
    "openssl",
    "x509",
    "-noout",
    "-text",
    "-in",
    on.bundle(sidecar),
  ]);
  const [, permitted = ""] = /Name Constraints:[^]*?Permitted:([^]*?)Excluded:/.exec(stdout) ?? [];
  expect(permitted.match(/DNS:\S+/g)).toEqual([`DNS:${API}`]);
});

test("row 39: no key is in any file of the sidecar's, in the folder that it shares least of all", async () => {
  const root = `/proc/${sidecar.pid}/root`;
  const places = [CA_FOLDER, "/run/opensandbox", "/var/egress"].map((place) => `${root}${place}`);
  const { stdout } = await execIn(lab.sandbox, ["grep", "-rlsE", "PRIVATE KEY|BEGIN CERT", ...places]);
  expect(stdout.trim().split("\n")).toEqual([certificatesOf(sidecar)]);
  expect(readFileSync(certificatesOf(sidecar), "utf8")).not.toContain("PRIVATE");
});

test("row 39: a start leaves nothing of the roots before it, and makes others", async () => {
  const before = readFileSync(certificatesOf(sidecar), "utf8");
  await sidecar.kill("SIGKILL");
  sidecar = await start();
  await on.bind(sidecar, [API]);
  const after = readFileSync(certificatesOf(sidecar), "utf8");
  expect(after).toContain("BEGIN CERTIFICATE");
  for (const one of before.match(/-----BEGIN[^]*?END CERTIFICATE-----/g) ?? [])
    expect(after).not.toContain(one);
  expect(await shownFor(API)).toMatchObject({ isTrusted: true });
});
