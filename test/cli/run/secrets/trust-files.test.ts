import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { SYSTEM_BUNDLES } from "../../../../src/certificates/system-bundles.ts";
import { trustEnvironment } from "../../../../src/cli/run/secrets/trust-environment.ts";
import { withUmask } from "../../../../src/sys/umask.ts";
import { collectRoots, SEEN_FILES, writeTrustFiles } from "../../../../src/cli/run/secrets/trust-files.ts";

function readFrom(files: Readonly<Record<string, string>>): (path: string) => string {
  return (path) => {
    const text = files[path];
    if (text === undefined) throw new Error("no such file");
    return text;
  };
}

test("a variable that replaces a program's roots names the bundle; one that adds to them, the extra roots", () => {
  const env = trustEnvironment(SEEN_FILES, {});
  expect(env).toMatchObject({
    NODE_EXTRA_CA_CERTS: "/run/egress/extra.pem",
    DENO_CERT: "/run/egress/extra.pem",
    SSL_CERT_FILE: "/run/egress/bundle.pem",
    REQUESTS_CA_BUNDLE: "/run/egress/bundle.pem",
    CURL_CA_BUNDLE: "/run/egress/bundle.pem",
    GIT_SSL_CAINFO: "/run/egress/bundle.pem",
    PIP_CERT: "/run/egress/bundle.pem",
    CARGO_HTTP_CAINFO: "/run/egress/bundle.pem",
    AWS_CA_BUNDLE: "/run/egress/bundle.pem",
  });
  expect(env["JAVA_TOOL_OPTIONS"]).toContain("-Djavax.net.ssl.trustStore=/run/egress/bundle.p12");
});

test("Java's options of the caller stay", () => {
  expect(trustEnvironment(SEEN_FILES, { JAVA_TOOL_OPTIONS: "-Xmx1g" })["JAVA_TOOL_OPTIONS"]).toMatch(
    /^-Xmx1g -Djavax/,
  );
});

test("the bundle has the system's roots, the sandbox's and those that the caller has named", () => {
  const files = {
    "/etc/pki/tls/certs/ca-bundle.crt": "system",
    "/home/robot/corporate.pem": "corporate\n",
  };
  const env = {
    SSL_CERT_FILE: "/home/robot/corporate.pem",
    PIP_CERT: "/home/robot/corporate.pem",
    CURL_CA_BUNDLE: "/gone.pem",
  };
  expect(collectRoots("sandbox\n", env, readFrom(files))).toEqual({
    extra: "sandbox\ncorporate\n",
    bundle: "system\nsandbox\ncorporate\n",
  });
});

test("the system's roots are found where its kind keeps them, of several files in the first", () => {
  for (const path of SYSTEM_BUNDLES) {
    const { bundle } = collectRoots("sandbox\n", {}, readFrom({ [path]: "system\n" }));
    expect({ path, bundle }).toEqual({ path, bundle: "system\nsandbox\n" });
  }
  const both = {
    "/etc/ssl/cert.pem": "last\n",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem": "before\n",
  };
  expect(collectRoots("", {}, readFrom(both)).bundle).toBe("before\n");
});

test("the files are those that the variables name, and anybody may read them, whatever the umask", () => {
  const folder = mkdtempSync(join(tmpdir(), "egress-trust-"));
  try {
    withUmask(0o077, () => writeTrustFiles(folder, "sandbox\n", {}));
    expect(readdirSync(folder).toSorted()).toEqual(
      Object.values(SEEN_FILES)
        .map((path) => basename(path))
        .toSorted(),
    );
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o644);
    expect(readFileSync(join(folder, "extra.pem"), "utf8")).toBe("sandbox\n");
    expect(readFileSync(join(folder, "bundle.pem"), "utf8").endsWith("sandbox\n")).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
