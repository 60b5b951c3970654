/** Certificates in files of roots: which of the sandbox's are there, and whether others are. Pure. */
import { X509Certificate } from "node:crypto";
import { readPem } from "../../certificates/pem.ts";

/** Each certificate of a store of Java's without encryption stands behind one of these. */
const JKS_MAGIC = Buffer.from("feedfeed", "hex");
const X509_IN_PKCS12 = Buffer.from("060a2a864886f70d01091601", "hex");

/** A certificate as its octets in DER. */
export type Root = Buffer;

/** When the last of them ends; `undefined` if none can be read. */
export function lastEnd(roots: readonly Root[]): Date | undefined {
  const ends = roots.flatMap((root) => {
    try {
      return [new X509Certificate(root).validToDate];
    } catch {
      return [];
    }
  });
  return ends.toSorted((one, other) => other.getTime() - one.getTime())[0];
}

export interface Held {
  /** Of those that were asked for, by their places in the list. */
  readonly of: ReadonlySet<number>;
  /** There are further ones. */
  readonly hasOthers: boolean;
}

export function inPem(content: Buffer, wanted: readonly Root[]): Held {
  const found = readPem(content.toString("latin1"));
  const of = wanted.flatMap((root, index) => (found.some((one) => startsWith(one, root)) ? [index] : []));
  return { of: new Set(of), hasOthers: found.some((one) => !wanted.some((root) => startsWith(one, root))) };
}

/** OpenSSL's "trusted" form has more behind the certificate. */
function startsWith(octets: Buffer, root: Root): boolean {
  return octets.length >= root.length && octets.subarray(0, root.length).equals(root);
}

/** `undefined`: the store is encrypted, so that only Java's own tool tells. */
export function inJavaStore(content: Buffer, wanted: readonly Root[]): Held | undefined {
  const of = new Set(wanted.flatMap((root, index) => (content.includes(root) ? [index] : [])));
  const isPlain = content.subarray(0, 4).equals(JKS_MAGIC) || content.includes(X509_IN_PKCS12);
  if (!isPlain) return undefined;
  // A store of some size has more than these.
  const octets = wanted.reduce((sum, root, index) => sum + (of.has(index) ? root.length + 512 : 0), 0);
  return { of, hasOthers: content.length > octets };
}
