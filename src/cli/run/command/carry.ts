import type { Readable, Writable } from "node:stream";

/**
 * Writes to `to` what comes from `from`, as fast as `to` takes it, and ends it at the end if asked; once `to`
 * is closed, nothing more is read. Whoever has the streams listens for their errors.
 *
 * `Readable.pipe` looks whether `to` is one of the process's standard streams. That opens these, and Node
 * makes pipes non-blocking then: those that a run's command has as its own, too, which so loses what it
 * writes faster than its reader reads.
 */
export function carry(from: Readable, to: Writable, { ends }: { readonly ends: boolean }): void {
  const onData = (octets: Buffer): void => {
    if (!to.write(octets)) from.pause();
  };
  const onDrain = (): void => void from.resume();
  from.on("data", onData);
  to.on("drain", onDrain);
  if (ends) from.once("end", () => to.end());
  to.once("close", () => {
    from.off("data", onData);
    from.pause();
  });
}
