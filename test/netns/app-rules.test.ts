/**
 * Rules that ask what a connection speaks, for names and for addresses, with clients that others wrote; and
 * attempts to speak something else by them.
 */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import { hex, KEXINIT, request, SSH_LINE, SSL_REQUEST, startup, STARTUP } from "../support/app-octets.ts";
import { APP_PORTS, startAppServers } from "../support/app-servers.ts";
import type { JsonServer } from "../support/json-server.ts";
import { type NamedSites, startNamedSites } from "../support/named-sites.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const SPEAK = fileURLToPath(new URL("../support/clients/speak.py", import.meta.url));
const SHARED = { addresses: ["198.51.100.50", "2001:db8:100::50"] };
const [GOOD, OTHER, EVIL] = [
  "good.shared.example.org",
  "other.shared.example.org",
  "evil.shared.example.org",
];
const { ssh: SSH, patientSsh: PATIENT_SSH, postgres: POSTGRES, anything: ANYTHING } = APP_PORTS;
const [TLS, HTTP] = [443, 8090];

const lab = useLab({
  zone: { [GOOD]: SHARED, [OTHER]: SHARED, [EVIL]: SHARED },
  upstream: { ttlSeconds: 300 },
});
let servers: JsonServer;
let sites: NamedSites;
beforeAll(async () => {
  servers = await startAppServers(lab);
  sites = await startNamedSites(lab);
});
afterAll(() => Promise.all([servers[Symbol.asyncDispose](), sites[Symbol.asyncDispose]()]));

/** What is asked for, what is written, and whether it passes. */
const TRIES: readonly (readonly [string, string, readonly string[], boolean])[] = [
  ["ssh", "SSH", [SSH_LINE, KEXINIT], true],
  ["ssh", "SSH in one write", [SSH_LINE + KEXINIT], true],
  ["ssh", "HTTP behind SSH's line", [SSH_LINE, request(GOOD)], false],
  ["ssh", "HTTP and SSH's line in one write", [SSH_LINE + request(GOOD)], false],
  ["ssh", "HTTP", [request(GOOD)], false],
  ["ssh", "a PostgreSQL client", [STARTUP], false],
  ["ssh", "another first packet", [SSH_LINE, "000000140421"], false],
  ["ssh", "version 1 of SSH", [hex("SSH-1.5-old\r\n"), KEXINIT], false],
  ["ssh", "mail", [hex("EHLO there\r\n")], false],
  ["ssh", "octets of no protocol", ["01020304"], false],
  ["postgres", "PostgreSQL in the clear", [STARTUP], true],
  ["postgres", "PostgreSQL that asks for TLS and gets none", [SSL_REQUEST, STARTUP], true],
  ["postgres", "a request to cancel", ["0000001004d2162e0000000100000002"], true],
  ["postgres", "HTTP behind a request for TLS", [SSL_REQUEST, request(GOOD)], false],
  ["postgres", "HTTP in the write of a request for TLS", [SSL_REQUEST + request(GOOD)], false],
  ["postgres", "SSH behind a request for TLS", [SSL_REQUEST, SSH_LINE, KEXINIT], false],
  ["postgres", "a StartupMessage without a user", [startup("database\0shop\0\0")], false],
  ["postgres", "a StartupMessage that ends elsewhere", [startup("user\0alice\0shop")], false],
  ["postgres", "version 2 of its protocol", ["0000000900020000", "00"], false],
  ["postgres", "HTTP", [request(GOOD)], false],
  ["http", "HTTP", [request(GOOD)], true],
  ["http", "two requests at once", [request(GOOD) + request(GOOD)], true],
  ["http", "a second request to another host", [request(GOOD) + request(EVIL)], false],
  ["http", "SSH", [SSH_LINE, KEXINIT], false],
  ["tls", "HTTP", [request(GOOD)], false],
  ["tls", "HTTP at once, of several requests", [request(GOOD) + request(GOOD)], false],
  ["tls", "SSH", [SSH_LINE, KEXINIT], false],
  ["tls", "PostgreSQL", [SSL_REQUEST, STARTUP], false],
  ["tls", "an alert ahead of a hello", ["15030100020100"], false],
  ["any", "SSH", [SSH_LINE, KEXINIT], true],
  ["any", "HTTP to another host", [request(EVIL)], true],
  ["any", "octets of no protocol", ["01020304"], true],
];

const allow = (target: string, port: number, app: string): object => {
  return { action: "allow", target, ports: [port], app };
};
const addressOf = ({ name }: Family): string => SHARED.addresses[name === "IPv4" ? 0 : 1] ?? "";

async function curl(flag: string, url: string): Promise<number | undefined> {
  return (await lab.asWorkload(["curl", "-sk", flag, url])).exitCode;
}

async function speak(address: string, parts: readonly string[], isSingle: boolean): Promise<string> {
  const how = isSingle ? ["--single"] : [];
  const argv = ["python3", SPEAK, address, `${ANYTHING}`, ...how, ...parts] as const;
  return (await lab.asWorkload(argv)).stdout.trim();
}

/** Octets that came to the server behind the given line. */
async function octetsBehind(line: number): Promise<string> {
  const find = () => servers.lines.slice(line).find(({ event }) => event === "got");
  await until("the server's connection is over", () => find() !== undefined);
  return String(find()?.["hex"]);
}

describe.each(["known", "strict"])("%s", (names) => {
  let sidecar: Sidecar;
  beforeAll(async () => {
    sidecar = await lab.startSidecar({ env: { OPENSANDBOX_EGRESS_WIRE_NAMES: names } });
  });
  afterAll(() => sidecar.kill("SIGKILL"));
  async function policyIs(...egress: readonly object[]): Promise<void> {
    const answer = await sidecar.api("PUT", "/policy", { body: { egress } });
    expect([answer.status, answer.text]).toEqual([200, answer.text]);
  }

  describe.each(FAMILIES)("$name", (family) => {
    beforeEach((context) => skipWithoutFamily(context, lab, family));
    const address = addressOf(family);

    describe.each([
      ["a name", GOOD],
      ["an address", address],
    ])("a rule for %s", (_what, target) => {
      const isName = target === GOOD;

      test.each(["ssh", "postgres", "http", "tls", "any"])(
        "%s: what speaks it passes, and nothing else",
        async (app) => {
          await policyIs(allow(target, ANYTHING, app));
          await lab.dig(GOOD, family.qtype);
          for (const [asked, what, parts, passes] of TRIES.filter((tried) => tried[0] === app)) {
            // Any host is good at an address that a rule names.
            const isGood = passes || (!isName && asked === "http" && what.includes("another host"));
            // One octet a segment, or as it is written.
            for (const isSingle of [names === "strict"]) {
              const before = servers.lines.length;
              const sent = parts.join("");
              const answer = await speak(address, parts, isSingle);
              expect([what, isSingle, answer]).toEqual([
                what,
                isSingle,
                isGood ? `${sent.length / 2}` : "refused",
              ]);
              const got = await octetsBehind(before);
              const isCut = got.length < sent.length && sent.startsWith(got);
              expect([what, isCut]).toEqual([what, !isGood]);
            }
          }
        },
      );

      test("OpenSSH goes to servers that speak first, and to others", async () => {
        await policyIs(allow(target, SSH, "ssh"), allow(target, PATIENT_SSH, "ssh"));
        await lab.dig(GOOD, family.qtype);
        const before = servers.lines.length;
        const said = (port: number) =>
          servers.lines.slice(before).find((line) => line.event === "kexinit" && line["port"] === port);
        await lab.asWorkload(["ssh-keyscan", family.flag, "-T", "60", "-p", `${SSH}`, target]);
        await until("its first packet is there", () => said(SSH) !== undefined);
        const options = [
          "-o",
          "StrictHostKeyChecking=no",
          "-o",
          "BatchMode=yes",
          "-o",
          "UserKnownHostsFile=/dev/null",
        ];
        await lab.asWorkload([
          "ssh",
          family.flag,
          "-F",
          "none",
          ...options,
          "-p",
          `${PATIENT_SSH}`,
          `x@${target}`,
        ]);
        await until("its first packet is there", () => said(PATIENT_SSH) !== undefined);
        expect(said(PATIENT_SSH)).toMatchObject({
          kind: 20,
          line: expect.stringMatching(/^SSH-2\.0-OpenSSH/),
        });
      });

      test("psql goes to a server with and without TLS", async () => {
        await policyIs(allow(target, POSTGRES, "postgres"));
        await lab.dig(GOOD, family.qtype);
        const connect = async (user: string, sslmode: string): Promise<number | undefined> => {
          const at = `host=${GOOD} hostaddr=${address} port=${POSTGRES}`;
          const place = `${at} user=${user} dbname=x sslmode=${sslmode}`;
          return (await lab.asWorkload(["psql", "-w", "-c", "", place])).exitCode;
        };
        const before = servers.lines.length;
        expect([await connect("secured", "require"), await connect("clear", "disable")]).toEqual([0, 0]);
        const told = servers.lines.slice(before).filter(({ event }) => event === "startup");
        expect(told.map(({ user, tls, name }) => [user, tls, name])).toEqual([
          ["secured", true, GOOD],
          ["clear", false, null],
        ]);
      });
    });

    test("TLS of PostgreSQL must show a name that is allowed", async () => {
      await policyIs(allow(GOOD, POSTGRES, "postgres"));
      await lab.dig(GOOD, family.qtype);
      const shakes = async (...name: readonly string[]): Promise<boolean> => {
        const place = address.includes(":") ? `[${address}]` : address;
        const argv = [
          "openssl",
          "s_client",
          "-starttls",
          "postgres",
          "-connect",
          `${place}:${POSTGRES}`,
        ] as const;
        return (await lab.asWorkload([...argv, ...name], { input: "" })).stdout.includes("BEGIN CERTIFICATE");
      };
      expect(await shakes("-servername", GOOD)).toBe(true);
      expect(await shakes("-servername", EVIL)).toBe(false);
      expect(await shakes("-noservername")).toBe(false);
    });

    test("curl's TLS and HTTP pass where they are asked for, and not the other way round", async () => {
      await policyIs(allow(GOOD, TLS, "tls"), allow(GOOD, HTTP, "http"), allow(OTHER, TLS, "http"));
      expect([
        await curl(family.flag, `https://${GOOD}/`),
        await curl(family.flag, `http://${GOOD}:${HTTP}/`),
      ]).toEqual([0, 0]);
      expect(await curl(family.flag, `http://${GOOD}:${TLS}/`)).not.toBe(0);
      expect(await curl(family.flag, `https://${GOOD}:${HTTP}/`)).not.toBe(0);
      const shown = await sites.shownDuring(async () =>
        expect(await curl(family.flag, `https://${OTHER}/`)).not.toBe(0),
      );
      expect(shown).toEqual([]);
    });
  });

  test("a refusal tells what was spoken, and the rule that would let it through", async () => {
    const [address = ""] = SHARED.addresses;
    await policyIs(allow(GOOD, ANYTHING, "postgres"));
    await lab.dig(GOOD, "A");
    const before = sidecar.logs().length;
    expect(await speak(address, [SSH_LINE + KEXINIT], false)).toBe("refused");
    const find = () =>
      sidecar
        .logs()
        .slice(before)
        .find((line) => line["reason"] === "shown-app");
    await until("it is told", () => find() !== undefined);
    expect(find()).toMatchObject({ patch: [allow(GOOD, ANYTHING, "ssh")] });
    const patched = await sidecar.api("PATCH", "/policy", { body: find()?.["patch"] });
    expect(patched.status).toBe(200);
    expect(await speak(address, [SSH_LINE + KEXINIT], false)).not.toBe("refused");
  });
});
