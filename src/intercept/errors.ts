/**
 * The host behind an intercepted flow cannot be talked to. `certificate`: it could not prove its name.
 * `not-connected`: it cannot be reached, or the policy refuses it. `handshake`: it ended the TLS handshake.
 * `proxy`: the upstream proxy did not lead there. The message names no secret and is fit for the client.
 */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  readonly code: "certificate" | "not-connected" | "handshake" | "proxy";

  constructor(code: UpstreamError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The upstream proxy has said that it does not lead there. */
export class ProxyRefusedError extends Error {
  override readonly name = "ProxyRefusedError";
  readonly code = "proxy-refused";
  /** Of HTTP. */
  readonly status: number;

  constructor(status: number) {
    super(`the upstream proxy answered with ${status}`);
    this.status = status;
  }
}

/** The roots that hosts are to be checked against cannot be read. */
export class TrustError extends Error {
  override readonly name = "TrustError";
  readonly code = "trust-unreadable";
}
