/** What is said of each tool, in a place that a table of files and variables plays. */
import { beforeAll, describe, expect, test } from "vitest";
import { createAuthority } from "../../../src/certificates/authority.ts";
import { encodeJavaStore } from "../../../src/certificates/java-store.ts";
import { examineTrust, type TrustReport } from "../../../src/doctor/trust/examine-trust.ts";
import type { TrustPlace } from "../../../src/doctor/trust/trust-place.ts";

const FILE = "/opt/opensandbox/mitmproxy-ca-cert.pem";
const SYSTEM = "/etc/ssl/certs/ca-certificates.crt";

let ours: string;
let later: string;
let others: string;
beforeAll(() => {
  ours = rootOf("api.example.org");
  later = rootOf("files.example.org");
  others = rootOf("www.example.net") + rootOf("www.example.com");
});

function rootOf(host: string): string {
  const authority = createAuthority(Date.now);
  authority.cover([host]);
  return authority.bundle();
}

interface Played {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string | Buffer>>;
  readonly programs?: readonly string[];
  /** What programs print, by their name and first argument. */
  readonly prints?: Readonly<Record<string, string>>;
}

function place({ env = {}, files = {}, programs = [], prints = {} }: Played): TrustPlace {
  const isThere = (path: string): boolean =>
    Object.keys(files).some((one) => `${one}/`.startsWith(`${path}/`));
  return {
    env,
    findProgram: (name) => (programs.includes(name) ? `/usr/bin/${name}` : undefined),
    realPath: (path) => (isThere(path) || path.startsWith("/usr/bin/") ? path : undefined),
    read: (path) => (files[path] === undefined ? undefined : Buffer.from(files[path])),
    list: (folder) =>
      Object.keys(files).flatMap((path) =>
        path.startsWith(`${folder}/`) ? [path.slice(folder.length + 1)] : [],
      ),
    run: ([program, first = ""]) => Promise.resolve(prints[`${program.replace("/usr/bin/", "")} ${first}`]),
  };
}

async function examined(played: Played, ca = ours): Promise<TrustReport> {
  const report = await examineTrust(
    place({ ...played, files: { [FILE]: ca, ...played.files } }),
    [FILE],
    true,
  );
  if (report === undefined) throw new Error("nothing was examined");
  return report;
}

async function outcomes(played: Played, ca = ours): Promise<Readonly<Record<string, string>>> {
  const { tools } = await examined(played, ca);
  return Object.fromEntries(tools.map(({ tool, outcome }) => [tool, outcome]));
}

describe("what is expected", () => {
  test("nothing is said where no file is there and no interception is expected", async () => {
    expect(await examineTrust(place({ programs: ["curl"] }), [FILE], false)).toBeUndefined();
  });

  test("a missing, an empty and a broken file are told, and no tool is looked at", async () => {
    const nothing = { file: FILE, roots: 0, tools: [] };
    expect(await examineTrust(place({ programs: ["curl"] }), [FILE], true)).toEqual(nothing);
    for (const text of ["", "-----BEGIN CERTIFICATE-----"]) {
      expect(await examined({ programs: ["curl"] }, text)).toEqual(nothing);
    }
  });

  test("the first file that is there counts, and its end is told", async () => {
    const report = await examineTrust(
      place({ files: { [FILE]: ours } }),
      ["/run/egress/extra.pem", FILE],
      false,
    );
    expect(report).toMatchObject({ file: FILE, roots: 1, tools: [] });
    expect(Date.parse(report?.until ?? "")).toBeGreaterThan(Date.now());
  });
});

test("a tool that is not there is not told of", async () => {
  expect(await outcomes({ files: { [SYSTEM]: others } })).toEqual({});
  expect(Object.keys(await outcomes({ programs: ["git", "kubectl"] }))).toEqual(["git", "go programs"]);
});

const ALL = ["curl", "openssl", "python3", "node", "java", "git", "go"];
const PRINTS = {
  "openssl version": 'OPENSSLDIR: "/usr/lib/ssl"\n',
  "python3 -c": `${SYSTEM}\n\n/venv/certifi/cacert.pem\n`,
};
const NAMES = ["curl", "openssl", "python ssl", "python certifi", "node", "java", "git", "go programs"];
const every = (outcome: string): unknown => Object.fromEntries(NAMES.map((name) => [name, outcome]));

test("with the system's roots alone none trusts them, each has a remedy, and BUNDLE is explained", async () => {
  const files = { [SYSTEM]: others, "/venv/certifi/cacert.pem": others, "/usr/lib/security/cacerts": "" };
  const report = await examined({
    programs: ALL,
    prints: PRINTS,
    files: { ...files, "/usr/lib/security/cacerts": encodeJavaStore(others) },
  });
  const told = Object.fromEntries(report.tools.map(({ tool, outcome }) => [tool, outcome]));
  expect(told).toEqual({ ...Object(every("refused")), java: "refused" });
  expect(report.tools.every(({ remedy }) => remedy !== undefined)).toBe(true);
  expect(report.tools.find(({ tool }) => tool === "node")?.remedy).toBe(`NODE_EXTRA_CA_CERTS=${FILE}`);
  expect(report.bundle).toBe(`cat ${SYSTEM} ${FILE} > BUNDLE`);
});

test("a bundle that their variables name is trusted by all, and no remedy is left", async () => {
  const env = {
    CURL_CA_BUNDLE: "/b",
    SSL_CERT_FILE: "/b",
    REQUESTS_CA_BUNDLE: "/b",
    NODE_EXTRA_CA_CERTS: FILE,
    GIT_SSL_CAINFO: "/b",
    JAVA_TOOL_OPTIONS: "-Xmx1g -Djavax.net.ssl.trustStore=/j",
  };
  const files = { "/b": others + ours, "/j": encodeJavaStore(others + ours) };
  const prints = { ...PRINTS, "python3 -c": "/b\n\n/venv/certifi/cacert.pem\n" };
  const report = await examined({ programs: ALL, prints, env, files });
  expect(Object.fromEntries(report.tools.map(({ tool, outcome }) => [tool, outcome]))).toEqual(
    every("trusted"),
  );
  expect(report.tools.some(({ remedy }) => remedy !== undefined)).toBe(false);
  expect(report.bundle).toBeUndefined();
});

test("the sandbox's roots alone, in a variable that replaces the system's, are told: other hosts fail", async () => {
  const env = {
    REQUESTS_CA_BUNDLE: FILE,
    SSL_CERT_FILE: FILE,
    GIT_SSL_CAINFO: FILE,
    NODE_EXTRA_CA_CERTS: FILE,
  };
  const played = { programs: ALL, prints: PRINTS, env, files: { [SYSTEM]: others } };
  expect(await outcomes(played)).toMatchObject({
    "python certifi": "alone",
    // The folder of the system's roots is looked at as well.
    "go programs": "trusted",
    node: "trusted",
    git: "alone",
  });
});

test.each([
  ["a folder's file with a hash for a name", "c0ffee00.0", { openssl: "trusted", "go programs": "trusted" }],
  ["another file of it", "ours.pem", { openssl: "refused", "go programs": "trusted" }],
])("%s is found by who looks there", async (_what, name, wanted) => {
  const folders = { [`/usr/lib/ssl/certs/${name}`]: ours, [`/etc/ssl/certs/${name}`]: ours };
  const files = { ...folders, [SYSTEM]: others, "/usr/lib/ssl/cert.pem": others };
  expect(await outcomes({ programs: ["openssl", "go"], prints: PRINTS, files })).toEqual(wanted);
});

test("one of two roots is not enough, since the other signs some day", async () => {
  const env = { NODE_EXTRA_CA_CERTS: "/old" };
  const { tools } = await examined({ programs: ["node"], env, files: { "/old": ours } }, ours + later);
  expect(tools).toEqual([
    {
      tool: "node",
      outcome: "partly",
      detail: "1 of 2: NODE_EXTRA_CA_CERTS: /old",
      remedy: `NODE_EXTRA_CA_CERTS=${FILE}`,
    },
  ]);
});

test("a variable that names no file is told with the file", async () => {
  const { tools } = await examined({ programs: ["curl"], env: { CURL_CA_BUNDLE: "/gone" } });
  expect(tools).toMatchObject([{ outcome: "refused", detail: "CURL_CA_BUNDLE: /gone (not there)" }]);
});

describe("node", () => {
  const system = { "/etc/ssl/cert.pem": "" };
  test.each([
    [{}, "refused"],
    [{ NODE_USE_SYSTEM_CA: "1" }, "trusted"],
    [{ NODE_OPTIONS: "--no-warnings --use-system-ca" }, "trusted"],
    [{ NODE_OPTIONS: "--use-system-cap" }, "refused"],
    [{ NODE_OPTIONS: "--use-openssl-ca" }, "alone"],
  ])("%j: %s", async (env, outcome) => {
    const files = { ...system, "/etc/ssl/cert.pem": ours };
    expect(await outcomes({ programs: ["node"], env, files })).toEqual({ node: outcome });
  });
});

describe("java", () => {
  const encrypted = Buffer.from("3082010002010330", "hex");
  test("options of its own command line count more than the machine's, the last more than the first", async () => {
    const env = {
      JAVA_TOOL_OPTIONS: "-Djavax.net.ssl.trustStore=/wrong",
      JDK_JAVA_OPTIONS: '-Djavax.net.ssl.trustStore=/wrong -Djavax.net.ssl.trustStore="/a b"',
    };
    const files = { "/wrong": encodeJavaStore(others), "/a b": encodeJavaStore(others + ours) };
    expect(await outcomes({ programs: ["java"], env, files })).toEqual({ java: "trusted" });
  });

  test("an encrypted store is asked of keytool, and without an answer it is not known", async () => {
    const env = { JAVA_TOOL_OPTIONS: "-Djavax.net.ssl.trustStore=/s" };
    const played = { programs: ["java"], env, files: { "/s": encrypted } };
    expect(await outcomes({ ...played, prints: { "keytool -list": others + ours } })).toEqual({
      java: "trusted",
    });
    expect(await outcomes({ ...played, prints: { "keytool -list": others } })).toEqual({ java: "refused" });
    expect(await outcomes(played)).toEqual({ java: "unknown" });
  });
});

test("a tool that does not say what it looks at is not known", async () => {
  expect(await outcomes({ programs: ["openssl", "python3"] })).toEqual({
    openssl: "unknown",
    "python ssl": "unknown",
    "python certifi": "unknown",
  });
});

test("python without certifi has no row for it", async () => {
  const prints = { "python3 -c": `${SYSTEM}\n\n\n` };
  expect(await outcomes({ programs: ["python3"], prints, files: { [SYSTEM]: others } })).toEqual({
    "python ssl": "refused",
  });
});
