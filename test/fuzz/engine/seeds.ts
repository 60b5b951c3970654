import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../seeds/", import.meta.url));

export interface Seed {
  readonly file: string;
  readonly octets: Buffer;
}

/**
 * The inputs kept for a target, in the order of their files' names. A `.hex` file holds octets in hexadecimal
 * digits, and remarks behind `#`; a `.txt` file is the input as it stands. `regression-*` are inputs that
 * once showed a bug.
 */
export function readSeeds(folder: string): readonly Seed[] {
  return readdirSync(join(FOLDER, folder))
    .toSorted()
    .map((file) => ({ file: `${folder}/${file}`, octets: readSeed(join(FOLDER, folder, file)) }));
}

function readSeed(path: string): Buffer {
  const written = readFileSync(path);
  if (path.endsWith(".txt")) return written;
  const digits = written
    .toString("ascii")
    .replaceAll(/#[^\n]*/g, "")
    .replaceAll(/\s/g, "");
  if (!path.endsWith(".hex") || !/^(?:[0-9a-f]{2})*$/i.test(digits)) {
    throw new Error(`${path} is neither text nor hexadecimal digits`);
  }
  return Buffer.from(digits, "hex");
}
