import { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createAuthority, type CertificateAuthority } from "../../src/certificates/authority.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 10, 30);

interface Clocked extends CertificateAuthority {
  /** Lets time pass, and has the authority look at its roots, as its keeper does. */
  pass(hours: number): boolean;
}

function createClocked(): Clocked {
  let nowMs = START_MS;
  const authority = createAuthority(() => nowMs);
  return {
    ...authority,
    pass(hours) {
      nowMs += hours * HOUR_MS;
      return authority.renew();
    },
  };
}

function readRoots({ bundle }: CertificateAuthority): readonly X509Certificate[] {
  return readCertificates(bundle());
}

function readCertificates(pem: string): readonly X509Certificate[] {
  const texts = pem.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [];
  return texts.map((text) => new X509Certificate(text));
}

/** Which of the roots, by number, signed the name's leaf. */
function signerOf(authority: CertificateAuthority, name: string): number | undefined {
  const leaf = authority.leafFor(name);
  if (leaf === undefined) return undefined;
  const [, intermediate] = readCertificates(leaf.chain);
  return readRoots(authority).findIndex(({ subject }) => subject === intermediate?.issuer);
}

describe("which names get a leaf", () => {
  test.each([
    ["api.example.org", true],
    ["a.example.net", true],
    ["b.a.example.net", true],
    ["example.net", false],
    ["example.org", false],
    ["v2.api.example.org", false],
    ["api.example.org.", false],
    ["API.example.org", false],
    ["notexample.net", false],
    [".example.net", false],
    ["", false],
    ["*", false],
  ])("of api.example.org and *.example.net: %s %s", (name, isCovered) => {
    const authority = createClocked();
    authority.cover(["api.example.org", "*.example.net"]);
    expect(authority.leafFor(name) !== undefined).toBe(isCovered);
  });

  test("a host that is bound no more gets none, though its root is still there", () => {
    const authority = createClocked();
    authority.cover(["api.example.org"]);
    expect(authority.leafFor("api.example.org")).toBeDefined();
    expect(authority.cover([])).toBe(false);
    expect(authority.leafFor("api.example.org")).toBeUndefined();
    expect(readRoots(authority)).toHaveLength(1);
  });

  test("where every host may be bound, each name gets one", () => {
    const authority = createClocked();
    authority.cover(["*"]);
    expect(authority.cover(["api.example.org", "*.example.net"])).toBe(false);
    expect(signerOf(authority, "api.example.org")).toBe(0);
  });

  test("before anything is bound there is neither a root nor a leaf", () => {
    const authority = createClocked();
    expect([authority.bundle(), authority.leafFor("api.example.org")]).toEqual(["", undefined]);
  });
});

test("a leaf has one name, is signed by the intermediate and that by the root, and lives no longer than they", () => {
  const authority = createClocked();
  authority.cover(["api.example.org"]);
  const [leaf, intermediate] = readCertificates(authority.leafFor("api.example.org")?.chain ?? "");
  const [root] = readRoots(authority);
  if (leaf === undefined || intermediate === undefined || root === undefined)
    throw new Error("one is missing");
  expect(leaf).toMatchObject({ subjectAltName: "DNS:api.example.org", ca: false, validTo: root.validTo });
  expect(leaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
  expect(leaf.checkIssued(intermediate) && leaf.verify(intermediate.publicKey)).toBe(true);
  expect(intermediate.checkIssued(root) && intermediate.verify(root.publicKey)).toBe(true);
  expect([intermediate.ca, root.ca]).toEqual([true, true]);
});

test("a root is valid from an hour ago for a day", () => {
  const authority = createClocked();
  authority.cover(["api.example.org"]);
  const [root] = readRoots(authority);
  expect([root?.validFromDate, root?.validToDate]).toEqual([
    new Date(START_MS - HOUR_MS),
    new Date(START_MS + 24 * HOUR_MS),
  ]);
});

describe("hosts that come later", () => {
  test("a host outside of the roots' constraints gets a root of its own beside them; the others keep theirs", () => {
    const authority = createClocked();
    authority.cover(["api.example.org"]);
    const first = authority.bundle();
    expect(authority.cover(["api.example.org", "files.example.net"])).toBe(true);
    expect(authority.bundle().startsWith(first)).toBe(true);
    expect(readRoots(authority)).toHaveLength(2);
    expect([signerOf(authority, "api.example.org"), signerOf(authority, "files.example.net")]).toEqual([
      0, 1,
    ]);
  });

  test("hosts that the roots cover change nothing", () => {
    const authority = createClocked();
    authority.cover(["*.example.org"]);
    expect(authority.cover(["api.example.org", "*.eu.example.org"])).toBe(false);
  });

  test("a host that is bound again within the day finds its root", () => {
    const authority = createClocked();
    authority.cover(["api.example.org"]);
    authority.cover([]);
    expect(authority.cover(["api.example.org"])).toBe(false);
  });

  test("however many come one by one, all of them have a leaf and the bundle stays small", () => {
    const authority = createClocked();
    const hosts = Array.from({ length: 30 }, (_, index) => `h${index}.example.org`);
    for (const [index] of hosts.entries()) {
      authority.cover(hosts.slice(0, index + 1));
      expect(authority.leafFor(`h${index}.example.org`)).toBeDefined();
    }
    expect(readRoots(authority).length).toBeLessThanOrEqual(8);
    for (const host of hosts) expect(signerOf(authority, host)).toBeGreaterThanOrEqual(0);
  });

  test("over the bound, roots of hosts that are bound no more go first", () => {
    const authority = createClocked();
    authority.cover(["kept.example.org"]);
    for (let index = 0; index < 20; index += 1)
      authority.cover(["kept.example.org", `h${index}.example.org`]);
    expect(signerOf(authority, "kept.example.org")).toBe(0);
    expect(readRoots(authority)[0]?.validFromDate).toEqual(new Date(START_MS - HOUR_MS));
  });
});

describe("renewal", () => {
  test("the next root is in the bundle for hours before it signs, and the first goes when it is over", () => {
    const authority = createClocked();
    authority.cover(["api.example.org"]);
    expect([authority.pass(11), readRoots(authority).length]).toEqual([false, 1]);
    expect([authority.pass(1), readRoots(authority).length]).toEqual([true, 2]);
    expect([authority.pass(10.5), signerOf(authority, "api.example.org")]).toEqual([false, 0]);
    expect([authority.pass(1), signerOf(authority, "api.example.org")]).toEqual([false, 1]);
    expect([authority.pass(0.5), readRoots(authority).length]).toEqual([true, 2]);
  });

  test("at any hour of a week a leaf is there, and is good for an hour more", () => {
    const authority = createClocked();
    authority.cover(["api.example.org", "*.example.net"]);
    for (let hour = 0; hour < 168; hour += 1) {
      authority.pass(1);
      const notAfterMs = authority.leafFor("a.example.net")?.notAfterMs ?? 0;
      expect(notAfterMs).toBeGreaterThan(START_MS + (hour + 2) * HOUR_MS);
      expect(readRoots(authority).length).toBeLessThanOrEqual(3);
    }
  });

  test("what is bound no more is not renewed", () => {
    const authority = createClocked();
    authority.cover(["api.example.org"]);
    authority.cover([]);
    authority.pass(24);
    expect(authority.bundle()).toBe("");
  });

  test("after a clock that was far behind is set right, there are leaves of today", () => {
    const authority = createClocked();
    authority.cover(["api.example.org"]);
    authority.pass(24 * 365 * 30);
    const leaf = authority.leafFor("api.example.org");
    expect(leaf?.notAfterMs).toBeGreaterThan(START_MS + 24 * 365 * 30 * HOUR_MS);
    expect(readCertificates(leaf?.chain ?? "")[0]?.validToDate).toEqual(new Date(leaf?.notAfterMs ?? 0));
  });
});

test("a name's leaf is made once, and any number of names leaves the cache bounded", () => {
  const authority = createClocked();
  authority.cover(["*.example.org"]);
  const first = authority.leafFor("first.example.org");
  expect(authority.leafFor("first.example.org")).toBe(first);
  for (let index = 0; index < 511; index += 1) authority.leafFor(`h${index}.example.org`);
  expect(authority.leafFor("first.example.org")).toBe(first);
  for (let index = 0; index < 512; index += 1) authority.leafFor(`g${index}.example.org`);
  expect(authority.leafFor("first.example.org")).not.toBe(first);
});
