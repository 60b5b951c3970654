/**
 * The API could not listen. `code` is the system's word, or `EEXIST` where something else stands in the unix
 * socket's place.
 */
export class ListenError extends Error {
  readonly code: string;
  readonly address: string;

  constructor(address: string, code: string, reason: string, cause?: unknown) {
    super(`the API cannot listen on ${address}: ${reason}`, { cause });
    this.name = "ListenError";
    this.code = code;
    this.address = address;
  }
}
