import { createArena } from "./arena.ts";
import { SystemCallError } from "./errors.ts";
import { ENODEV, tryCall } from "./libc.ts";

/** The number of an interface of this network namespace. Throws SystemCallError. */
export function interfaceIndex(name: string): number {
  const scratch = createArena(16);
  scratch.octets.write(name, 0, 15);
  const index = tryCall("if_nametoindex", scratch.address(0));
  if (index <= 0) throw new SystemCallError("if_nametoindex", ENODEV, name);
  return index;
}
