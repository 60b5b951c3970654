/** Lookups through the running sidecar: by policy, whatever server is asked, over IPv4, IPv6, UDP and TCP. */
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const POLICY = {
  defaultAction: "deny",
  egress: [
    { action: "allow", target: "one.example.org" },
    { action: "allow", target: "alias.example.org" },
    { action: "allow", target: "*.wild.example.org" },
    { action: "deny", target: "closed.open.example.org" },
    { action: "allow", target: "*.open.example.org" },
    { action: "deny", target: "late.open.example.org" },
    { action: "allow", target: "large.example.org" },
    { action: "allow", target: "huge.example.org" },
    { action: "allow", target: "missing.example.org" },
  ],
};

const many = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `198.51.100.${index + 100}`);

const lab = useLab({
  zone: {
    "alias.example.org": { cname: "one.example.org" },
    "*.open.example.org": { addresses: ["198.51.100.30", "2001:db8:100::30"] },
    "large.example.org": { addresses: many(40), text: ["a text"] },
    "huge.example.org": { addresses: many(120) },
    "secret.example.org": { addresses: ["198.51.100.40", "2001:db8:100::40"] },
  },
  // Answers over 512 octets come truncated over UDP.
  upstream: { ttlSeconds: 30, extra: ["edns-packet-max=512"] },
});
let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await lab.startSidecar({ policy: POLICY });
});

const wasAsked = (qname: string): boolean =>
  lab.upstream.questions().some((question) => question.qname.toLowerCase() === qname);

describe.each(FAMILIES)("$name", (family) => {
  beforeEach((context) => skipWithoutFamily(context, lab, family));

  describe.each([{ transport: "UDP" }, { transport: "TCP" }])("$transport", ({ transport }) => {
    const dig = (server: string, ...args: string[]) =>
      lab.dig(`@${server}`, ...(transport === "TCP" ? ["+tcp"] : []), ...args);

    test("an allowed name is answered with what the upstream knows", async () => {
      expect(await dig(family.upstream, "one.example.org", family.qtype)).toMatchObject({
        rcode: "NOERROR",
        addresses: [family.one],
        flags: expect.arrayContaining(["qr", "rd", "ra"]),
      });
      expect(wasAsked("one.example.org")).toBe(true);
    });

    test("a denied name does not exist, says why, and is never sent upstream", async () => {
      const qname = `denied-${transport.toLowerCase()}-${family.set}.secret.example.org`;
      expect(await dig(family.upstream, qname, family.qtype)).toMatchObject({
        rcode: "NXDOMAIN",
        addresses: [],
        ede: expect.stringMatching(/^15\b/),
      });
      expect(wasAsked(qname)).toBe(false);
    });

    test("whatever server is asked, the sidecar answers", async () => {
      const frames = await lab.canary.during(async () => {
        for (const server of [family.upstream, family.otherResolver, family.nameless]) {
          expect(await dig(server, "one.example.org", family.qtype)).toMatchObject({
            addresses: [family.one],
          });
          expect(await dig(server, "secret.example.org", family.qtype)).toMatchObject({ rcode: "NXDOMAIN" });
        }
      });
      const elsewhere = frames.filter(({ destination }) =>
        [family.otherResolver, family.nameless].includes(destination ?? ""),
      );
      expect(elsewhere).toEqual([]);
      expect(wasAsked("secret.example.org")).toBe(false);
    });
  });

  test("a wildcard speaks of the names below it, at any depth, and not of the apex", async () => {
    const ask = (qname: string) => lab.dig(qname, family.qtype);
    expect(await ask("a.wild.example.org")).toMatchObject({ rcode: "NOERROR", addresses: [family.wild] });
    expect(await ask("c.b.a.wild.example.org")).toMatchObject({ addresses: [family.wild] });
    // It is denied, but not denied to be: names below it are (RFC 8020).
    expect(await ask("wild.example.org")).toMatchObject({
      rcode: "NOERROR",
      addresses: [],
      ede: expect.stringMatching(/^15\b/),
    });
    expect(await ask("notwild.example.org")).toMatchObject({ rcode: "NXDOMAIN" });
    expect(wasAsked("wild.example.org")).toBe(false);
  });

  test("the first rule that matches decides, not the most specific one", async () => {
    expect(await lab.dig("closed.open.example.org", family.qtype)).toMatchObject({
      addresses: [],
      ede: expect.stringMatching(/^15\b/),
    });
    expect(await lab.dig("late.open.example.org", family.qtype)).toMatchObject({ rcode: "NOERROR" });
    expect(wasAsked("closed.open.example.org")).toBe(false);
  });

  test("a name rule holds for the name asked for; what the alias leads to comes along", async () => {
    expect(await lab.dig("alias.example.org", family.qtype)).toMatchObject({ addresses: [family.one] });
  });
});

test("letter case and a trailing dot make no difference, and the question comes back as it was written", async () => {
  const { records } = await lab.dig("OnE.eXample.ORG.", "A");
  expect(records).toEqual([expect.stringMatching(/^OnE\.eXample\.ORG\. \d+ IN A 198\.51\.100\.1$/)]);
  expect(await lab.dig("SECRET.example.org", "A")).toMatchObject({ rcode: "NXDOMAIN" });
  expect(wasAsked("secret.example.org")).toBe(false);
});

test("an allowed name that does not exist is the upstream's NXDOMAIN", async () => {
  const answer = await lab.dig("missing.example.org", "A");
  expect(answer).toMatchObject({ rcode: "NXDOMAIN", ede: undefined });
  expect(wasAsked("missing.example.org")).toBe(true);
});

test("other types of an allowed name pass", async () => {
  const { records } = await lab.dig("large.example.org", "TXT");
  expect(records).toEqual([expect.stringContaining('TXT "a text"')]);
});

test("an answer that the upstream truncates is asked again over TCP and comes whole over UDP", async () => {
  const frames = await lab.canary.during(async () => {
    const answer = await lab.dig("+notcp", "+ignore", "+bufsize=1232", "large.example.org", "A");
    expect(answer.flags).not.toContain("tc");
    expect(new Set(answer.addresses)).toEqual(new Set(many(40)));
  });
  expect(frames).toContainEqual(
    expect.objectContaining({ transport: "tcp", destination: "192.0.2.1", destinationPort: 53 }),
  );
});

test("such a connection ends on both sides, and nothing of ours is refused on the way", async () => {
  const before = await readRefusals();
  await lab.dig("+tcp", "huge.example.org", "A");
  await until("the upstream has no connection left", async () => {
    const { stdout } = await execIn(lab.internet, ["ss", "-Htn", "sport = :53"]);
    return stdout === "";
  });
  expect(await readRefusals()).toEqual(before);
});

test("an answer that is larger than the client takes comes truncated, and whole over TCP", async () => {
  expect((await lab.dig("+ignore", "+noedns", "large.example.org", "A")).flags).toContain("tc");
  expect((await lab.dig("+ignore", "+bufsize=1232", "huge.example.org", "A")).flags).toContain("tc");
  expect((await lab.dig("+tcp", "huge.example.org", "A")).addresses).toHaveLength(120);
  // dig's own habit: TCP after a truncated answer.
  expect((await lab.dig("huge.example.org", "A")).addresses).toHaveLength(120);
});

test("the system's resolver gets addresses for an allowed name and a prompt error for a denied one", async () => {
  const script = `
import socket, sys, time
begin = time.monotonic()
try:
    found = socket.getaddrinfo(sys.argv[1], 80, socket.AF_INET, socket.SOCK_STREAM)
    print(found[0][4][0])
except socket.gaierror as error:
    print(error.errno == socket.EAI_NONAME, time.monotonic() - begin < 1.5)
`;
  const resolve = async (name: string) => {
    const { stdout, stderr } = await lab.asWorkload(["python3", "-c", script, name]);
    return (stdout + stderr).trim();
  };
  expect(await resolve("one.example.org")).toBe("198.51.100.1");
  expect(await resolve("secret.example.org")).toBe("True True");
});

test("lookups are in the log, denied ones with the reason", () => {
  const events = sidecar.logs();
  expect(events).toContainEqual(
    expect.objectContaining({
      "opensandbox.event": "egress.outbound",
      "target.host": "one.example.org",
      "target.ips": ["198.51.100.1"],
    }),
  );
  expect(events).toContainEqual(
    expect.objectContaining({ "opensandbox.event": "egress.denied", "target.host": "secret.example.org" }),
  );
});

/** Counters of what chains refuse to packets that may be ours. */
async function readRefusals(): Promise<readonly string[]> {
  const { stdout } = await execIn(lab.sandbox, ["nft", "list", "table", "inet", "opensandbox"]);
  const chains = [...stdout.matchAll(/chain (?:refuse_opening|refuse|source) \{[^}]*\}/g)].map(
    ([text]) => text,
  );
  expect(chains).toHaveLength(3);
  return chains.flatMap((text) => text.match(/counter packets \d+ bytes \d+/g) ?? []);
}
