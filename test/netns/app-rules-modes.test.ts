/** Rules that ask what is spoken, in audit mode and where the default action allows. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { hex, KEXINIT, request, SSH_LINE } from "../support/app-octets.ts";
import { APP_PORTS, startAppServers } from "../support/app-servers.ts";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import type { JsonServer } from "../support/json-server.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const SPEAK = fileURLToPath(new URL("../support/clients/speak_many.py", import.meta.url));
const PORT = APP_PORTS.anything;
const SHARED = { addresses: ["198.51.100.50", "2001:db8:100::50"] };
const [GOOD, OTHER] = ["good.shared.example.org", "other.shared.example.org"];

const lab = useLab({ zone: { [GOOD]: SHARED, [OTHER]: SHARED }, upstream: { ttlSeconds: 300 } });
let servers: JsonServer;
beforeAll(async () => {
  servers = await startAppServers(lab);
});
afterAll(() => servers[Symbol.asyncDispose]());

const SAYS = {
  ssh: [SSH_LINE, KEXINIT],
  http: [request(GOOD)],
  "http of the other": [request(OTHER)],
  mail: [hex("EHLO there\r\n")],
} as const;
type Said = keyof typeof SAYS;

/** Those that pass. */
async function passing(address: string, ...said: readonly Said[]): Promise<readonly Said[]> {
  const attempts = said.map((one) => [address, PORT, SAYS[one]]);
  const { stdout, stderr } = await lab.asWorkload(["python3", SPEAK, JSON.stringify(attempts)]);
  if (stdout === "") throw new Error(stderr);
  const answers = z.array(z.string()).parse(JSON.parse(stdout));
  return said.filter((_one, index) => answers[index] !== "refused");
}

const ALL = ["ssh", "http", "http of the other", "mail"] as const;
const allowSsh = (target: string) => ({ action: "allow", target, ports: [PORT], app: "ssh" });

describe.each(["known", "strict"])("%s", (names) => {
  let sidecar: Sidecar;
  beforeAll(async () => {
    sidecar = await lab.startSidecar({ policy: {}, env: { OPENSANDBOX_EGRESS_WIRE_NAMES: names } });
  });
  afterAll(() => sidecar.kill("SIGKILL"));
  async function set(path: string, body: object): Promise<void> {
    const answer = await sidecar.api("PUT", path, { body });
    expect([answer.status, answer.text]).toEqual([200, answer.text]);
  }
  const auditedSince = (line: number) =>
    sidecar
      .logs()
      .slice(line)
      .filter(({ msg }) => msg === "connection audited");

  describe.each(FAMILIES)("$name", (family) => {
    beforeEach(async (context) => {
      skipWithoutFamily(context, lab, family);
      await set("/audit", { enabled: false });
    });
    const address = SHARED.addresses[family.name === "IPv4" ? 0 : 1] ?? "";

    test("audit mode lets what speaks something else pass, and tells it with the rule that would", async () => {
      await set("/policy", { egress: [allowSsh(GOOD)] });
      await lab.dig(GOOD, family.qtype);
      expect(await passing(address, ...ALL)).toEqual(["ssh"]);
      await set("/audit", { enabled: true });
      await lab.dig(GOOD, family.qtype);
      const line = sidecar.logs().length;
      expect(await passing(address, "ssh", "mail")).toEqual(["ssh", "mail"]);
      await until("the second is told", () => auditedSince(line).length > 0);
      expect(auditedSince(line)).toMatchObject([
        {
          reason: "shown-app",
          audit: true,
          "target.ips": [address],
          "target.port": PORT,
          patch: [{ action: "allow", target: GOOD, ports: [PORT], app: "any" }],
        },
      ]);
      await set("/audit", { enabled: false });
      expect(await passing(address, ...ALL)).toEqual(["ssh"]);
    });

    test("audit mode lets everything pass at an address that a rule names", async () => {
      await set("/policy", { egress: [allowSsh(address)] });
      expect(await passing(address, ...ALL)).toEqual(["ssh"]);
      await set("/audit", { enabled: true });
      expect(await passing(address, ...ALL)).toEqual(ALL);
    });

    test("where the default action allows, an allow ahead of a denial lets SSH alone pass", async () => {
      for (const target of [GOOD, address]) {
        const deny = { action: "deny", target, ports: [PORT] };
        await set("/policy", { defaultAction: "allow", egress: [allowSsh(target), deny] });
        await lab.dig(GOOD, family.qtype);
        // Another name at its address is allowed, unless a rule denies the address itself.
        const passes = target === GOOD ? ["ssh", "http of the other"] : ["ssh"];
        expect([target, await passing(address, ...ALL)]).toEqual([target, passes]);
        // Nothing is asked where no rule speaks of the address or of its names.
        const elsewhere = await passing(family.nameless, ...ALL);
        expect([target, elsewhere]).toEqual([target, ALL]);
      }
    });

    test("where the default action allows, a rule with app alone holds nothing back but what shows a denied name", async () => {
      const egress = [allowSsh(GOOD), { action: "deny", target: OTHER }];
      await set("/policy", { defaultAction: "allow", egress });
      await lab.dig(GOOD, family.qtype);
      expect(await passing(address, ...ALL)).toEqual(["ssh", "http", "mail"]);
    });
  });
});
