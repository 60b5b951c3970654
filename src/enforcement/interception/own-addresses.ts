import type { SandboxEvents } from "../events.ts";

/**
 * The addresses of the sandbox's interfaces, read when they are first asked for after word of a change: some
 * 20 ms after it. What `read` throws is thrown, and it is read again the next time.
 */
export function followOwnAddresses(
  read: () => readonly string[],
  { networkChanged }: Pick<SandboxEvents, "networkChanged">,
): () => ReadonlySet<string> {
  let known: ReadonlySet<string> | undefined;
  networkChanged.subscribe(() => {
    known = undefined;
  });
  return () => (known ??= new Set(read()));
}
