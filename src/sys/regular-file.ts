/** Reads files whose place others may have filled with something else. */
import { constants, type Stats } from "node:fs";
import { open } from "node:fs/promises";
import { NotAFileError } from "./errors.ts";

/** A hundred times what the largest policies and lists take. */
const MOST_OCTETS = 1 << 28;

/** The file's octets. Waits for nobody, as one does at a FIFO. Throws NotAFileError and Node's errors. */
export async function readRegularFile(path: string): Promise<Buffer> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const found = await file.stat();
  if (!found.isFile()) throw new NotAFileError(`${describeKind(found)} stands there, not a file`);
  if (found.size > MOST_OCTETS) throw new NotAFileError(`it is larger than ${MOST_OCTETS} octets`);
  return file.readFile();
}

function describeKind(found: Stats): string {
  if (found.isDirectory()) return "a folder";
  return found.isFIFO() ? "a FIFO" : "a device";
}
