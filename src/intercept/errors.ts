/**
 * We cannot talk to the host behind an intercepted flow. `certificate`: it could not prove its name.
 * `not-connected`: nobody reaches it, or the policy refuses it. `handshake`: it ended the TLS handshake.
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

/** The upstream proxy has answered that it does not lead there. */
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

/** The roots for checking hosts cannot be read. */
export class TrustError extends Error {
  override readonly name = "TrustError";
  readonly code = "trust-unreadable";
}
