/** The sidecar's own request could not be made. */
export class OutboundError extends Error {
  readonly code: "name-not-found" | "not-connected" | "bad-host";

  constructor(code: OutboundError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "OutboundError";
    this.code = code;
  }
}
