/**
 * X.509 certificates (RFC 5280) that interception needs: authorities that may sign for some names alone, and
 * a server's for one name.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import {
  bitString,
  contextConstructed,
  contextPrimitive,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  TRUE,
  utf8String,
} from "./der.ts";

const ECDSA_WITH_SHA256 = sequence(objectIdentifier("1.2.840.10045.4.3.2"));
const COMMON_NAME = "2.5.4.3";
const SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
const KEY_USAGE = "2.5.29.15";
const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
const BASIC_CONSTRAINTS = "2.5.29.19";
const NAME_CONSTRAINTS = "2.5.29.30";
const AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const SERVER_AUTH = objectIdentifier("1.3.6.1.5.5.7.3.1");

/** GeneralName's alternatives (RFC 5280 section 4.2.1.6). */
const DNS_NAME = 2;
const IP_ADDRESS = 7;

/** The bits of KeyUsage, with the number of bits behind the last that is set. */
const DIGITAL_SIGNATURE = { octets: Buffer.of(0x80), unused: 7 };
const KEY_CERT_SIGN = { octets: Buffer.of(0x04), unused: 2 };

const VERSION_3 = contextConstructed(0, integer(Buffer.of(2)));

export interface KeyPair {
  readonly privateKey: KeyObject;
  /** The public key as certificates have it: SubjectPublicKeyInfo. */
  readonly spki: Buffer;
  /** RFC 7093 section 2, method 1. */
  readonly identifier: Buffer;
}

export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

interface Written extends Validity {
  /** Up to 20 octets, random. */
  readonly serial: Uint8Array;
}

/** Who signs; its certificate bears this name and this key. */
export interface Issuer {
  readonly commonName: string;
  readonly keys: KeyPair;
}

export interface AuthorityRequest extends Written, Issuer {
  /** Names that it may sign for, and whatever is below them; none means any name. */
  readonly permitted: readonly string[];
}

export interface LeafRequest extends Written {
  readonly keys: KeyPair;
  readonly name: string;
}

export function createKeys(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = publicKey.export({ type: "spki", format: "der" });
  // The key's own bits end the structure.
  const bits = spki.subarray(-P256_POINT_OCTETS);
  return { privateKey, spki, identifier: createHash("sha256").update(bits).digest().subarray(0, 20) };
}

const P256_POINT_OCTETS = 65;

/** A root, which signs for itself and for one more authority. In PEM. */
export function encodeRoot(root: AuthorityRequest): string {
  return encodeAuthority(root, { issuer: root, below: 1 });
}

/** An authority that signs leaves alone. In PEM. */
export function encodeIntermediate(authority: AuthorityRequest, issuer: Issuer): string {
  return encodeAuthority(authority, { issuer, below: 0 });
}

/**
 * For servers alone, for no address, and for the permitted names. `below` is how many authorities may follow
 * on it.
 */
function encodeAuthority(
  authority: AuthorityRequest,
  { issuer, below }: { readonly issuer: Issuer; readonly below: number },
): string {
  const { keys, commonName, permitted } = authority;
  return encode({
    ...authority,
    subject: renderName(commonName),
    issuer,
    extensions: [
      critical(BASIC_CONSTRAINTS, sequence(TRUE, integer(Buffer.of(below)))),
      critical(KEY_USAGE, bitString(KEY_CERT_SIGN.octets, KEY_CERT_SIGN.unused)),
      extension(EXTENDED_KEY_USAGE, sequence(SERVER_AUTH)),
      critical(NAME_CONSTRAINTS, nameConstraints(permitted)),
      ...keyIdentifiers(keys, issuer),
    ],
  });
}

/** A server's, for that one name. In PEM. */
export function encodeLeaf(leaf: LeafRequest, issuer: Issuer): string {
  const { keys, name } = leaf;
  return encode({
    ...leaf,
    // The name stands in the extension alone: a common name has room for 64 characters.
    subject: renderName("egress sidecar"),
    issuer,
    extensions: [
      critical(BASIC_CONSTRAINTS, sequence()),
      critical(KEY_USAGE, bitString(DIGITAL_SIGNATURE.octets, DIGITAL_SIGNATURE.unused)),
      extension(EXTENDED_KEY_USAGE, sequence(SERVER_AUTH)),
      extension(SUBJECT_ALTERNATIVE_NAME, sequence(contextPrimitive(DNS_NAME, Buffer.from(name)))),
      ...keyIdentifiers(keys, issuer),
    ],
  });
}

interface ToEncode extends Written {
  readonly subject: Buffer;
  readonly keys: KeyPair;
  readonly issuer: Issuer;
  readonly extensions: readonly Buffer[];
}

function encode({ serial, notBeforeMs, notAfterMs, subject, keys, issuer, extensions }: ToEncode): string {
  const toSign = sequence(
    VERSION_3,
    integer(serial),
    ECDSA_WITH_SHA256,
    renderName(issuer.commonName),
    sequence(time(notBeforeMs), time(notAfterMs)),
    subject,
    keys.spki,
    contextConstructed(3, sequence(...extensions)),
  );
  const signature = sign("sha256", toSign, issuer.keys.privateKey);
  return renderPem(sequence(toSign, ECDSA_WITH_SHA256, bitString(signature)));
}

function renderName(commonName: string): Buffer {
  return sequence(setOf(sequence(objectIdentifier(COMMON_NAME), utf8String(commonName))));
}

function keyIdentifiers(keys: KeyPair, issuer: Issuer): readonly Buffer[] {
  return [
    extension(SUBJECT_KEY_IDENTIFIER, octetString(keys.identifier)),
    extension(AUTHORITY_KEY_IDENTIFIER, sequence(contextPrimitive(0, issuer.keys.identifier))),
  ];
}

function extension(id: string, value: Uint8Array): Buffer {
  return sequence(objectIdentifier(id), octetString(value));
}

function critical(id: string, value: Uint8Array): Buffer {
  return sequence(objectIdentifier(id), TRUE, octetString(value));
}

/** A type of name that no constraint mentions would be free, so addresses are excluded. */
function nameConstraints(permitted: readonly string[]): Buffer {
  const names = permitted.map((name) => sequence(contextPrimitive(DNS_NAME, Buffer.from(name))));
  // 0.0.0.0/0 and ::/0, each an address and its mask.
  const addresses = [8, 32].map((length) => sequence(contextPrimitive(IP_ADDRESS, Buffer.alloc(length))));
  return sequence(
    ...(names.length === 0 ? [] : [contextConstructed(0, ...names)]),
    contextConstructed(1, ...addresses),
  );
}

function renderPem(octets: Buffer): string {
  const lines = octets.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
