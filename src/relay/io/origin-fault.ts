/**
 * What the error of an origin's connection tells, if a person can do something about it. In TLS 1.3 a client
 * knows only by the alert that comes later that it should have shown a certificate (RFC 8446 section 6.2).
 */
export function tellFault(error: Error): string | undefined {
  return "code" in error && error.code === "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"
    ? "the origin asks for a client's certificate, and none is shown to it"
    : undefined;
}
