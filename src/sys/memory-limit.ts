import { totalmem } from "node:os";

/**
 * The memory that the kernel lets this process's group have, in octets: the limit of its container, by
 * cgroups of either version. Undefined if there is none below what the machine has.
 */
export function readMemoryLimit(): number | undefined {
  // 0 if nobody knows, and far more than any machine has if there is none.
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : undefined;
}
