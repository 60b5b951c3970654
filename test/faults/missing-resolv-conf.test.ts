/** No resolv.conf, or a link to none: where upstreams are set nobody needs it. */
import { expect, test } from "vitest";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { MAIN } from "../support/tested-program.ts";

const lab = useLab();

/** In an /etc of the program's own. */
const inEmptyEtc = (more: string) =>
  [
    "unshare",
    "--mount",
    "sh",
    "-c",
    `mount -t tmpfs none /etc && ${more} exec "$@"`,
    "sh",
    process.execPath,
    MAIN,
    "serve",
  ] as const;

test.each([
  ["is missing", ""],
  ["is a link to nothing", "ln -s /nowhere /etc/resolv.conf &&"],
  ["is a folder", "mkdir /etc/resolv.conf &&"],
])("where resolv.conf %s, a start with upstreams of the setting answers lookups", async (_what, more) => {
  await using sidecar = await lab.startSidecar({
    policy: { egress: [{ action: "allow", target: "one.example.org" }] },
    program: inEmptyEtc(more),
  });
  expect(await lab.dig("one.example.org", "A")).toMatchObject({ rcode: "NOERROR" });
  expect(await lab.dig("two.example.org", "A")).toMatchObject({ rcode: "NXDOMAIN" });
  expect(await sidecar.kill()).toEqual({ exitCode: 0, signal: undefined });
});

test("without the setting it is told, and everything is denied", async () => {
  await using sidecar = await lab.startSidecar({
    env: { OPENSANDBOX_EGRESS_DNS_UPSTREAM: undefined },
    program: inEmptyEtc("ln -s /nowhere /etc/resolv.conf &&"),
    awaitHealth: false,
  });
  const health = await until("it answers", () =>
    sidecar.api("GET", "/healthz").then(
      ({ text }) => text,
      () => undefined,
    ),
  );
  expect(health).toMatch(/^\/etc\/resolv\.conf: cannot be read: .*set OPENSANDBOX_EGRESS_DNS_UPSTREAM/);
});
