/**
 * Certificates in a text in PEM (RFC 7468), OpenSSL's trusted ones too, whose own settings stand behind the
 * certificate.
 */

const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----([^-]+)-----END/g;

/** Each in DER, in the text's order; what is none is left out. */
export function readPem(pem: string): readonly Buffer[] {
  return Array.from(pem.matchAll(CERTIFICATE), ([, digits = ""]) =>
    Buffer.from(digits.replaceAll(/\s/g, ""), "base64"),
  ).filter((certificate) => certificate.length > 0);
}
