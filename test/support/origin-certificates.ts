/**
 * Certificates of origin servers, made by openssl: a root, and leaves that it signs, good ones and bad ones.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface OriginCertificate {
  readonly key: string;
  readonly cert: string;
}

export interface OriginAuthority {
  /** The root, as PEM. */
  readonly ca: string;
  /** Valid for the names; `days` below zero: not any more. */
  issue(names: readonly string[], days?: number): OriginCertificate;
}

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

export function createOriginAuthority(): OriginAuthority {
  const root = selfSigned("origin root");
  return { ca: root.cert, issue: (names, days = 2) => signLeaf(root, names, days) };
}

/** It is its own issuer, and says that it is an authority. */
export function selfSigned(commonName: string, names: readonly string[] = []): OriginCertificate {
  return inFolder((at) => {
    const alternative = names.length === 0 ? [] : ["-addext", `subjectAltName=${alternativeNames(names)}`];
    const files = ["-keyout", at("key"), "-out", at("cert")];
    openssl("req", "-x509", ...KEY, "-days", "2", "-subj", `/CN=${commonName}`, ...alternative, ...files);
    return { key: readFileSync(at("key"), "utf8"), cert: readFileSync(at("cert"), "utf8") };
  });
}

function signLeaf(root: OriginCertificate, names: readonly string[], days: number): OriginCertificate {
  return inFolder((at) => {
    writeFileSync(at("root.key"), root.key);
    writeFileSync(at("root"), root.cert);
    writeFileSync(at("extensions"), `subjectAltName=${alternativeNames(names)}\n`);
    openssl("req", "-new", ...KEY, "-subj", "/CN=origin", "-keyout", at("key"), "-out", at("request"));
    const signed = ["-CA", at("root"), "-CAkey", at("root.key"), "-CAcreateserial", "-days", String(days)];
    openssl(
      "x509",
      "-req",
      "-in",
      at("request"),
      ...signed,
      "-extfile",
      at("extensions"),
      "-out",
      at("cert"),
    );
    return { key: readFileSync(at("key"), "utf8"), cert: readFileSync(at("cert"), "utf8") };
  });
}

const alternativeNames = (names: readonly string[]): string => names.map((name) => `DNS:${name}`).join(",");

function openssl(...args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: "pipe" });
}

function inFolder<T>(make: (at: (file: string) => string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "origin-certificates-"));
  try {
    return make((file) => join(folder, file));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
