/**
 * One root of a sandbox, and the leaves below it. The root signs one intermediate and its key is then
 * forgotten, because Java takes no notice of the constraints of what it trusts, but of those below it. The
 * intermediate's key is nowhere but in this process's memory.
 */
import { randomBytes } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import {
  createKeys,
  encodeIntermediate,
  encodeLeaf,
  encodeRoot,
  type KeyPair,
  type Validity,
} from "./certificate.ts";
import { constraintsOf, covers, type HostPattern } from "./host-pattern.ts";

/** Of a root. A process that runs for longer has to read the bundle again. */
export const ROOT_LIFE_MS = 24 * 3_600_000;

/** So far may the workload's clock be behind ours. */
const BEFORE_MS = 3_600_000;

const SERIAL_OCTETS = 16;

/** What a server needs to be taken for `name`. */
export interface Leaf extends Validity {
  readonly name: string;
  /** In PEM: its certificate and the intermediate's. The root is not sent along: who trusts it has it. */
  readonly chain: string;
  /** Chain and key. */
  readonly context: SecureContext;
}

export interface Root extends Validity {
  readonly patterns: readonly HostPattern[];
  /** In PEM. */
  readonly certificate: string;
  covers(host: HostPattern): boolean;
  /** Signs, which takes a tenth of a millisecond. Throws for a name that the root does not cover. */
  sign(name: string): Leaf;
}

export function createRoot(patterns: readonly HostPattern[], nowMs: number): Root {
  // Tells two roots of one bundle apart: clients look a root up by its name.
  const number = randomBytes(8).toString("hex");
  const validity = { notBeforeMs: nowMs - BEFORE_MS, notAfterMs: nowMs + ROOT_LIFE_MS };
  const permitted = constraintsOf(patterns);
  const root = { commonName: `egress sidecar, sandbox root ${number}`, keys: createKeys() };
  const issuer = { commonName: `egress sidecar, sandbox issuer ${number}`, keys: createKeys() };
  const request = { ...validity, permitted };
  const rootCertificate = encodeRoot({ ...request, ...root, serial: drawSerial() });
  const intermediate = encodeIntermediate({ ...request, ...issuer, serial: drawSerial() }, root);
  // One key for all leaves: who could read it could read the root's.
  const leafKeys = createKeys();
  const coversHost = (host: HostPattern): boolean => patterns.some((pattern) => covers(pattern, host));
  return {
    patterns,
    ...validity,
    certificate: rootCertificate,
    covers: coversHost,
    sign(name) {
      if (!coversHost(name)) throw new RangeError(`this root does not cover ${name}`);
      const leaf = encodeLeaf({ ...validity, keys: leafKeys, name, serial: drawSerial() }, issuer);
      const chain = leaf + intermediate;
      return { ...validity, name, chain, context: toContext(leafKeys, chain) };
    },
  };
}

function toContext({ privateKey }: KeyPair, cert: string): SecureContext {
  const key = Buffer.from(privateKey.export({ type: "pkcs8", format: "pem" }));
  try {
    return createSecureContext({ key, cert, minVersion: "TLSv1.2" });
  } finally {
    key.fill(0);
  }
}

function drawSerial(): Buffer {
  return randomBytes(SERIAL_OCTETS);
}
