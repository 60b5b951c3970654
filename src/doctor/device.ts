/** An interface of this network namespace. */
export interface Device {
  readonly name: string;
  readonly index: number;
  readonly hardware: Uint8Array;
}
