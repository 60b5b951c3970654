/** Parsers that others wrote, in a process of Python's: a second opinion on what a client shows. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const PYTHON = fileURLToPath(new URL("../../../.test-tools/parsers/bin/python", import.meta.url));
const PROGRAM = fileURLToPath(new URL("../parsers/parsers.py", import.meta.url));

/** Questions that wait for answers: being woken for each takes longer than the answer. */
export const QUESTIONS_AT_ONCE = 256;

export interface OtherParsers extends AsyncDisposable {
  /** What the parser says, as its JSON has it. Answered in order; rejects once the process is gone. */
  ask(kind: "tls" | "http", octets: Buffer): Promise<unknown>;
}

/** Why there are none; undefined where `.ci/prepare` has brought them. */
export function parsersMissing(): string | undefined {
  return existsSync(PYTHON)
    ? undefined
    : "tlslite-ng and h11 (of PyPI) are not there: .ci/prepare could not bring them";
}

export function startParsers(): OtherParsers {
  const child = spawn(PYTHON, [PROGRAM], { stdio: ["pipe", "pipe", "inherit"] });
  const { promise: gone, reject, resolve } = Promise.withResolvers<undefined>();
  child.on("error", reject);
  child.on("exit", () => resolve(undefined));
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(kind, octets) {
      child.stdin.write(`${kind} ${octets.toString("hex")}\n`);
      const answer = await answers.next();
      if (answer.done === true) throw new Error(`the parsers have ended at ${kind}`);
      return JSON.parse(answer.value);
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await gone;
    },
  };
}
