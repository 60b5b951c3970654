/**
 * The roots for checking hosts' certificates: those of a folder, as systems keep theirs, and more if an
 * operator names them.
 */
import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import { TrustError } from "../errors.ts";

export interface TrustSources {
  /** Each file in it that holds certificates in PEM counts; others are skipped. */
  readonly folder: string;
  /** A file of certificates in PEM, which must hold one. */
  readonly extra: string | undefined;
}

const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]+-----END (?:TRUSTED )?CERTIFICATE-----/g;
/** A whole system's roots have 200 kB. */
const MAX_FILE_OCTETS = 4 << 20;

/**
 * Reads them once: roots that come later need a restart. If the folder has none, the program's own roots
 * count. Throws TrustError.
 */
export async function readTrust({ folder, extra }: TrustSources): Promise<SecureContext> {
  const found = await readFolder(folder);
  const roots = found.length > 0 ? found : getCACertificates("bundled");
  const more = extra === undefined ? [] : await readExtra(extra);
  return createSecureContext({ ca: distinct([...roots, ...more]), minVersion: "TLSv1.2" });
}

/** Systems have each root twice and more: in a file of its own, by the hash of its name, and in a bundle. */
function distinct(certificates: readonly string[]): string[] {
  const byHash = new Map(
    certificates.map((one) => [createHash("sha256").update(one.replaceAll(/\s/g, "")).digest("hex"), one]),
  );
  return [...byHash.values()];
}

async function readExtra(path: string): Promise<readonly string[]> {
  let text: string;
  try {
    text = await readFile(path, "latin1");
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new TrustError(`${path} cannot be read: ${said}`, { cause });
  }
  const found = text.match(CERTIFICATE) ?? [];
  if (found.length === 0) throw new TrustError(`${path} holds no certificate in PEM`);
  for (const cert of found) requireReadable(path, cert);
  return found;
}

/** Node skips a root that it cannot read, and we report one of the operator's own. */
function requireReadable(path: string, cert: string): void {
  try {
    createSecureContext({ cert });
  } catch (cause) {
    throw new TrustError(`${path} holds a certificate that cannot be read`, { cause });
  }
}

/** None if there is no such folder: in an image without one the program's own roots count. */
async function readFolder(folder: string): Promise<readonly string[]> {
  let names: readonly string[];
  try {
    names = await readdir(folder);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return [];
    throw new TrustError(`${folder} cannot be read`, { cause });
  }
  const texts = await Promise.all(names.toSorted().map((name) => readCertificates(join(folder, name))));
  return texts.flat();
}

/** A dangling link, a folder and a key are no certificates. */
async function readCertificates(path: string): Promise<readonly string[]> {
  try {
    const found = await stat(path);
    if (!found.isFile() || found.size > MAX_FILE_OCTETS) return [];
    return (await readFile(path, "latin1")).match(CERTIFICATE) ?? [];
  } catch (cause) {
    if (cause instanceof Error && "code" in cause) return [];
    throw cause;
  }
}
