/** How the demo tells what it does, and keeps count of what did not happen as it should. */

export interface Story {
  /** Begins a step: what is tried. */
  step(title: string): void;
  /** The command that a person would type. */
  command(line: string): void;
  /** What happened, and whether that is what should have. */
  expect(happened: boolean, good: string, bad: string): void;
  /** A sentence more: why. */
  because(reason: string): void;
  /** What did not happen as it should. */
  readonly failures: readonly string[];
}

export function createStory(print: (line: string) => void): Story {
  const failures: string[] = [];
  let steps = 0;
  return {
    failures,
    step(title) {
      steps += 1;
      print(`\n${steps}. ${title}`);
    },
    command: (line) => print(`   $ ${line}`),
    expect(happened, good, bad) {
      print(happened ? `   ok: ${good}` : `   FAILED: ${bad}`);
      if (!happened) failures.push(`step ${steps}: ${bad}`);
    },
    because: (reason) => print(`       ${reason}`),
  };
}
