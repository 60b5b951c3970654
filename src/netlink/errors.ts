/** The kernel refused a batch; nothing of it is in force. `code` is errno's name. */
export class NetlinkError extends Error {
  readonly code: string;

  constructor(code: string) {
    super(`the kernel refused a batch: ${code}`);
    this.name = "NetlinkError";
    this.code = code;
  }
}
