/** Has errors thrown by timers while something is to be undone. */
import { setTimeout as sleep } from "node:timers/promises";
import { catchFaults } from "../../../src/cli/run/faults.ts";

async function hold(): Promise<void> {
  await using undo = new AsyncDisposableStack();
  const faults = undo.use(catchFaults((text) => console.log(`told: ${text}`)));
  undo.defer(async () => {
    throwLater("second");
    await sleep(20);
    console.log("undone");
  });
  throwLater("first");
  await Promise.race([faults.first, sleep(5_000)]);
}

function throwLater(text: string): void {
  setTimeout(() => {
    throw new Error(text);
  }, 1);
}

try {
  await hold();
} catch (error) {
  console.log(`failed by ${error instanceof Error ? error.message : ""}`);
}
process.on("uncaughtException", () => {
  console.log("again a crash");
  process.exit(7);
});
throwLater("third");
