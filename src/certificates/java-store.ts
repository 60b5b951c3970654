/**
 * A trust store that Java reads: PKCS#12 (RFC 7292) of certificates alone, neither encrypted nor signed,
 * since there is nothing secret in it. Java takes a certificate in it for a root if it bears an attribute of
 * Java's own.
 */
import {
  contextConstructed,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  utf16String,
} from "./der.ts";
import { readPem } from "./pem.ts";

const DATA = objectIdentifier("1.2.840.113549.1.7.1");
const CERTIFICATE_BAG = objectIdentifier("1.2.840.113549.1.12.10.1.3");
const X509_CERTIFICATE = objectIdentifier("1.2.840.113549.1.9.22.1");
const FRIENDLY_NAME = objectIdentifier("1.2.840.113549.1.9.20");
const TRUSTED_KEY_USAGE = objectIdentifier("2.16.840.1.113894.746875.1.1");
const ANY_USAGE = objectIdentifier("2.5.29.37.0");
const VERSION = integer(Buffer.of(3));

/** Of all certificates of a text in PEM, those that are there twice once. */
export function encodeJavaStore(pem: string): Buffer {
  const distinct = new Map(readPem(pem).map((certificate) => [certificate.toString("base64"), certificate]));
  const bags = Array.from(distinct.values(), certificateBag);
  const content = contentInfo(sequence(...bags));
  return sequence(VERSION, contentInfo(sequence(content)));
}

function contentInfo(content: Buffer): Buffer {
  return sequence(DATA, contextConstructed(0, octetString(content)));
}

function certificateBag(certificate: Buffer, index: number): Buffer {
  const bag = sequence(X509_CERTIFICATE, contextConstructed(0, octetString(certificate)));
  const attributes = [
    sequence(FRIENDLY_NAME, setOf(utf16String(`root ${index}`))),
    sequence(TRUSTED_KEY_USAGE, setOf(ANY_USAGE)),
  ];
  return sequence(CERTIFICATE_BAG, contextConstructed(0, bag), setOf(...attributes));
}
