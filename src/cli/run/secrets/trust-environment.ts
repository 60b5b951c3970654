/**
 * The variables by which programs take the sandbox's roots: who adds to its own, who replaces them, and who
 * needs another format.
 */
import type { Environment } from "../../../config/environment.ts";

/** Where the command finds the files. */
export interface TrustFiles {
  /** The sandbox's roots, and what the caller had added. */
  readonly extra: string;
  /** Those and the system's. */
  readonly bundle: string;
  /** The same for Java, as PKCS#12. */
  readonly javaStore: string;
}

/** Their programs keep the roots that they come with: Node, Bun and npm; Deno. */
const ADDING = ["NODE_EXTRA_CA_CERTS", "DENO_CERT"] as const;

/** Their programs look at that file alone: the sandbox's roots alone in it would break every other host. */
const REPLACING = [
  "SSL_CERT_FILE",
  "REQUESTS_CA_BUNDLE",
  "CURL_CA_BUNDLE",
  "GIT_SSL_CAINFO",
  "PIP_CERT",
  "CARGO_HTTP_CAINFO",
  "AWS_CA_BUNDLE",
  "BUNDLE_SSL_CA_CERT",
  "npm_config_cafile",
  "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
  "NIX_SSL_CERT_FILE",
  "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
] as const;

/** Each names a file of roots, if the caller has set it. */
export const ROOT_VARIABLES: readonly string[] = [...ADDING, ...REPLACING];

export function trustEnvironment(files: TrustFiles, env: Environment): Readonly<Record<string, string>> {
  const java = `-Djavax.net.ssl.trustStore=${files.javaStore} -Djavax.net.ssl.trustStoreType=PKCS12`;
  const before = env["JAVA_TOOL_OPTIONS"]?.trim() ?? "";
  return {
    ...Object.fromEntries(ADDING.map((name) => [name, files.extra])),
    ...Object.fromEntries(REPLACING.map((name) => [name, files.bundle])),
    // Both the name of today and the older one: if not, uv trusts what it was built with.
    UV_SYSTEM_CERTS: "1",
    UV_NATIVE_TLS: "1",
    JAVA_TOOL_OPTIONS: before === "" ? java : `${before} ${java}`,
  };
}
