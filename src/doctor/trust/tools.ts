/**
 * What programs of the sandbox take roots from: by the variables that they read, and where their defaults
 * are. A tool that is told by its own options or files (`~/.curlrc`, code) is not known here.
 */
import { dirname, join } from "node:path";
import { namedBy, systemBundle, systemFolders, type TrustPlace, type TrustSource } from "./trust-place.ts";

export interface TrustTool {
  readonly name: string;
  /** It is there if one of these is. */
  readonly programs: readonly string[];
  /** All are looked at. `program`: its path. `absent`: what reads them is not installed with it. */
  readonly sources: (
    place: TrustPlace,
    program: string,
  ) => Promise<readonly TrustSource[] | "absent" | "unknown"> | readonly TrustSource[];
  /** Its programs keep roots that they come with, beside these. */
  readonly keepsOwn?: (place: TrustPlace) => boolean;
  /** What makes it trust `file`; BUNDLE stands for a file with the system's roots as well. */
  readonly remedy: (file: string) => string;
}

export const TRUST_TOOLS: readonly TrustTool[] = [
  {
    name: "curl",
    programs: ["curl"],
    sources: (place) => {
      const [bundle] = namedBy(place, ["CURL_CA_BUNDLE"]);
      const file = orElse(bundle === undefined ? namedBy(place, ["SSL_CERT_FILE"]) : [bundle], () =>
        systemBundle(place),
      );
      const named = bundle === undefined ? namedBy(place, ["SSL_CERT_DIR"], "hashed") : [];
      return [...file, ...orElse(named, () => foldersOfDebian(place))];
    },
    remedy: () => "CURL_CA_BUNDLE=BUNDLE",
  },
  {
    name: "openssl",
    programs: ["openssl"],
    async sources(place, program) {
      const said = await place.run([program, "version", "-d"]);
      const [, folder] = /OPENSSLDIR: "([^"\n]+)"/.exec(said ?? "") ?? [];
      return folder === undefined ? "unknown" : opensslSources(place, folder);
    },
    remedy: () => "SSL_CERT_FILE=BUNDLE",
  },
  {
    name: "python ssl",
    programs: ["python3", "python"],
    sources: async (place, program) => (await askPython(place, program))?.ssl ?? "unknown",
    remedy: () => "SSL_CERT_FILE=BUNDLE",
  },
  {
    name: "python certifi",
    programs: ["python3", "python"],
    async sources(place, program) {
      const said = await askPython(place, program);
      if (said?.certifi === undefined) return said === undefined ? "unknown" : "absent";
      const certifi: TrustSource = { by: "certifi's roots", path: said.certifi, kind: "file" };
      return orElse(namedBy(place, ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]), () => [certifi]);
    },
    remedy: () => "REQUESTS_CA_BUNDLE=BUNDLE (requests), SSL_CERT_FILE=BUNDLE (httpx)",
  },
  {
    name: "node",
    programs: ["node"],
    sources: (place) => [
      ...namedBy(place, ["NODE_EXTRA_CA_CERTS"]),
      ...(looksAtSystem(place) ? opensslSources(place, "/etc/ssl") : []),
    ],
    keepsOwn: ({ env }) => !/(?:^|\s)--use-openssl-ca(?:\s|$)/.test(env["NODE_OPTIONS"] ?? ""),
    remedy: (file) => `NODE_EXTRA_CA_CERTS=${file}`,
  },
  {
    name: "java",
    programs: ["java"],
    sources: javaSources,
    remedy: (file) =>
      `keytool -importcert -noprompt -cacerts -storepass changeit -alias egress -file ${file}`,
  },
  {
    name: "git",
    programs: ["git"],
    async sources(place, program) {
      const configured = await place.run([program, "config", "--type=path", "--get", "http.sslCAInfo"]);
      const path = configured?.trim() ?? "";
      const bySetting: readonly TrustSource[] =
        path === "" ? systemBundle(place) : [{ by: "http.sslCAInfo", path, kind: "file" }];
      const file = orElse(namedBy(place, ["GIT_SSL_CAINFO"]), () => bySetting);
      return [...file, ...orElse(namedBy(place, ["GIT_SSL_CAPATH"], "hashed"), () => foldersOfDebian(place))];
    },
    remedy: () => "GIT_SSL_CAINFO=BUNDLE",
  },
  {
    name: "go programs",
    programs: ["go", "gh", "kubectl", "terraform", "docker"],
    sources: (place) => [
      ...orElse(namedBy(place, ["SSL_CERT_FILE"]), () => systemBundle(place)),
      ...orElse(namedBy(place, ["SSL_CERT_DIR"], "folder"), () => systemFolders(place, "folder")),
    ],
    remedy: () => "SSL_CERT_FILE=BUNDLE",
  },
];

function orElse(
  named: readonly TrustSource[],
  fallback: () => readonly TrustSource[],
): readonly TrustSource[] {
  return named.length > 0 ? named : fallback();
}

/** Debian's libcurl looks into the folder as well; others are built with the file alone. */
function foldersOfDebian(place: TrustPlace): readonly TrustSource[] {
  return place.realPath("/etc/debian_version") === undefined ? [] : systemFolders(place, "hashed");
}

function opensslSources(place: TrustPlace, folder: string): readonly TrustSource[] {
  const by = "OpenSSL's default";
  const file: TrustSource = { by, path: join(folder, "cert.pem"), kind: "file" };
  const hashed: TrustSource = { by, path: join(folder, "certs"), kind: "hashed" };
  const isThere = ({ path }: TrustSource): boolean => place.realPath(path) !== undefined;
  return [
    ...orElse(namedBy(place, ["SSL_CERT_FILE"]), () => [file].filter(isThere)),
    ...orElse(namedBy(place, ["SSL_CERT_DIR"], "hashed"), () => [hashed].filter(isThere)),
  ];
}

const PYTHON = `import ssl
paths = ssl.get_default_verify_paths()
try:
    import certifi
    where = certifi.where()
except ImportError:
    where = ""
print(paths.cafile or "", paths.capath or "", where, sep="\\n")`;

interface Python {
  readonly ssl: readonly TrustSource[];
  readonly certifi: string | undefined;
}

/** What its `ssl` looks at, variables counted, and certifi's file if it has that. */
async function askPython(place: TrustPlace, program: string): Promise<Python | undefined> {
  const said = await place.run([program, "-c", PYTHON]);
  if (said === undefined) return undefined;
  const [file = "", folder = "", certifi = ""] = said.split("\n");
  const by = (variable: string): string =>
    (place.env[variable] ?? "") === "" ? "OpenSSL's default" : variable;
  const sources: readonly TrustSource[] = [
    { by: by("SSL_CERT_FILE"), path: file, kind: "file" },
    { by: by("SSL_CERT_DIR"), path: folder, kind: "hashed" },
  ];
  return { ssl: sources.filter(({ path }) => path !== ""), certifi: certifi === "" ? undefined : certifi };
}

function looksAtSystem({ env }: TrustPlace): boolean {
  const options = env["NODE_OPTIONS"] ?? "";
  return env["NODE_USE_SYSTEM_CA"] === "1" || /(?:^|\s)--use-(?:system|openssl)-ca(?:\s|$)/.test(options);
}

/** What stands on the command line of every start counts more than what the machine is told. */
const JAVA_VARIABLES = ["JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS"];
const TRUST_STORE = /(?:^|\s)["']?-Djavax\.net\.ssl\.trustStore=(?:"([^"]+)"|'([^']+)'|([^\s"']+))/g;

function javaSources(place: TrustPlace, program: string): readonly TrustSource[] {
  for (const by of JAVA_VARIABLES) {
    const last = [...(place.env[by] ?? "").matchAll(TRUST_STORE)].at(-1);
    const path = last?.[1] ?? last?.[2] ?? last?.[3];
    if (path !== undefined) return [{ by, path, kind: "java" }];
  }
  const home = dirname(dirname(place.realPath(program) ?? program));
  const path = ["jssecacerts", "cacerts"]
    .map((name) => join(home, "lib/security", name))
    .find((one) => place.realPath(one) !== undefined);
  return path === undefined ? [] : [{ by: "Java's default", path, kind: "java" }];
}
