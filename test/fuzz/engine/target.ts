import type { Random } from "./random.ts";

/** Something that reads what others wrote. */
export interface Target {
  readonly name: string;
  /** Folder of its seeds. */
  readonly seeds: string;
  /** An input made by its structure, more or less well-formed. */
  make(random: Random): Buffer;
  open(): Promise<Checker>;
  /** Why it cannot run here; undefined where it can. */
  readonly missing?: () => string | undefined;
}

export interface Checker extends AsyncDisposable {
  /** Throws where a promise is broken. What became of the input, in a word, is counted. */
  check(input: Buffer, random: Random): string | Promise<string>;
  /** So many cases may be checked at once, which saves waiting for another process; default: one. */
  readonly atOnce?: number;
}

/** For a target that needs nothing opened. */
export async function plainChecker(check: Checker["check"]): Promise<Checker> {
  return Promise.resolve({ check, [Symbol.asyncDispose]: () => Promise.resolve() });
}

const MARGIN = 64;

/**
 * What `read` says of the input, wherever it stands and whatever stands around it: what is read behind its
 * end shows as a difference. `read` gets a copy each time.
 */
export function readAnywhere<T>(input: Buffer, read: (octets: Buffer, start: number, end: number) => T): T {
  const [first, second] = [0x00, 0xc1].map((fill) => {
    const octets = Buffer.alloc(input.length + 2 * MARGIN, fill);
    input.copy(octets, MARGIN);
    return read(octets, MARGIN, MARGIN + input.length);
  });
  if (JSON.stringify(first) !== JSON.stringify(second)) {
    throw new Error(
      `depends on what stands around it: ${JSON.stringify(first)} and ${JSON.stringify(second)}`,
    );
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- two fills gave two outcomes
  return first as T;
}
