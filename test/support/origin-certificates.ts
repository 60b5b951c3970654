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
  /**
   * Valid for the names; `days` below zero: not any more. `extensions` are more lines of openssl's. The chain
   * up to the root follows it.
   */
  issue(names: readonly string[], days?: number, extensions?: string): OriginCertificate;
  /** Valid from tomorrow on. */
  issueEarly(names: readonly string[]): OriginCertificate;
  /** One below it; if it is no authority, what it signs proves nothing. */
  signIntermediate(wishes?: { readonly days?: number; readonly isAuthority?: boolean }): OriginAuthority;
}

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

export function createOriginAuthority(): OriginAuthority {
  const root = selfSigned("origin root");
  return authorityOf(root, root.cert, "");
}

/** `chain`: what stands between its leaves and the root. */
function authorityOf(own: OriginCertificate, ca: string, chain: string): OriginAuthority {
  const withChain = ({ key, cert }: OriginCertificate): OriginCertificate => ({ key, cert: cert + chain });
  return {
    ca,
    issue: (names, days = 2, extensions = "") =>
      withChain(sign(own, byDays(days), `subjectAltName=${alternativeNames(names)}\n${extensions}\n`)),
    issueEarly: (names) => withChain(sign(own, byDates(1, 2), `subjectAltName=${alternativeNames(names)}\n`)),
    signIntermediate({ days = 2, isAuthority = true } = {}) {
      const constraints = `basicConstraints=critical,CA:${isAuthority ? "TRUE" : "FALSE"}\n`;
      const one = sign(own, byDays(days), constraints, "intermediate");
      return authorityOf(one, ca, one.cert + chain);
    },
  };
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

/** Arguments of openssl that sign; files are in the folder. */
type Signing = (at: (file: string) => string) => readonly string[];

const byDays =
  (days: number): Signing =>
  (at) => ["x509", "-req", "-CA", at("root"), "-CAkey", at("root.key"), "-days", String(days)];

/** From and until so many days after now. */
const byDates =
  (from: number, until: number): Signing =>
  (at) => {
    const names = `[p]\ncommonName=supplied\n`;
    const folder = `database=${at("index")}\nnew_certs_dir=${at(".")}\nrand_serial=yes\n`;
    writeFileSync(at("index"), "");
    writeFileSync(at("config"), `[ca]\ndefault_ca=c\n[c]\n${folder}default_md=sha256\npolicy=p\n${names}`);
    const dates = ["-startdate", dateIn(from), "-enddate", dateIn(until)];
    return [
      "ca",
      "-batch",
      "-config",
      at("config"),
      "-cert",
      at("root"),
      "-keyfile",
      at("root.key"),
      ...dates,
    ];
  };

/** As `YYYYMMDDHHMMSSZ`. */
function dateIn(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString().replaceAll(/\.\d+|[-:T]/g, "");
}

function sign(
  root: OriginCertificate,
  by: Signing,
  extensions: string,
  commonName = "origin",
): OriginCertificate {
  return inFolder((at) => {
    writeFileSync(at("root.key"), root.key);
    writeFileSync(at("root"), root.cert);
    writeFileSync(at("extensions"), extensions);
    openssl("req", "-new", ...KEY, "-subj", `/CN=${commonName}`, "-keyout", at("key"), "-out", at("request"));
    openssl(...by(at), "-in", at("request"), "-extfile", at("extensions"), "-out", at("cert"));
    return { key: readFileSync(at("key"), "utf8"), cert: pemOf(readFileSync(at("cert"), "utf8")) };
  });
}

/** Without the text that openssl may write before it. */
function pemOf(text: string): string {
  return text.slice(text.indexOf("-----BEGIN"));
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
