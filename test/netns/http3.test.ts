/**
 * HTTP/3 by aioquic: refused at an address that only names opened, and told to its client at once, so that it
 * falls back to TCP; let through where a rule allows the address.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { configure } from "../../src/netns/namespace.ts";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { skipBecause } from "../support/skip.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

/** In a virtual environment, which `.ci/prepare` makes where the package index can be reached. */
const PYTHON = fileURLToPath(new URL("../../.test-tools/http3/bin/python", import.meta.url));
const at = (path: string): string => fileURLToPath(new URL(`../support/${path}`, import.meta.url));

const NAME = "h3.example.org";
const ADDRESSES = ["198.51.100.70", "2001:db8:100::70"] as const;

const lab = useLab({ zone: { [NAME]: { addresses: ADDRESSES } }, upstream: { ttlSeconds: 300 } });
let server: JsonServer | undefined;
let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await lab.startSidecar({ env: { OPENSANDBOX_EGRESS_WIRE_NAMES: "known" } });
  if (!existsSync(PYTHON)) return;
  const places = lab.ipv6 ? ADDRESSES : ADDRESSES.slice(0, 1);
  await configure(
    lab.internet,
    places.map((address) => `addr add ${address} dev lo`),
  );
  const [key, cert] = [join(lab.stateFolder, "key"), join(lab.stateFolder, "cert")];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const out = ["-subj", `/CN=${NAME}`, "-keyout", key, "-out", cert];
  await promisify(execFile)("openssl", ["req", ...kind, ...out]);
  server = await startJsonServer(lab.internet, [PYTHON, at("servers/http3.py"), key, cert, ...places]);
});
afterAll(() => server?.[Symbol.asyncDispose]());

async function allow(...targets: readonly string[]): Promise<void> {
  const egress = targets.map((target) => ({ action: "allow", target }));
  expect(await sidecar.api("PUT", "/policy", { body: { egress } })).toMatchObject({ status: 200 });
}

describe.each(FAMILIES)("$name", (family) => {
  const isV4 = family.name === "IPv4";
  const address = ADDRESSES[isV4 ? 0 : 1];
  const ask = async (): Promise<string> => {
    const argv = [PYTHON, at("clients/http3.py"), NAME, isV4 ? "4" : "6"] as const;
    return (await lab.asWorkload(argv)).stdout.trim();
  };
  beforeEach((context) => {
    if (server === undefined)
      skipBecause(context, "aioquic of PyPI is not there: .ci/prepare could not bring it");
    skipWithoutFamily(context, lab, family);
  });

  test("where a rule allows the address it passes", async () => {
    await allow(NAME, address);
    expect(await ask()).toBe("hello");
  });

  test("where only the name is allowed its first datagram is refused, and that is told", async () => {
    await allow(NAME);
    const before = sidecar.logs().length;
    expect(await ask()).toBe("PermissionError");
    await until("it is told", () =>
      sidecar
        .logs()
        .slice(before)
        .some((line) => line["target.port"] === 443 && JSON.stringify(line).includes(NAME)),
    );
  });
});
