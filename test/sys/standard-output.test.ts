/** A pipe that others write to as well. */
import { expect, test } from "vitest";
import { runCommand } from "../../src/netns/command.ts";

const SCRIPT = `
import { readFileSync } from "node:fs";
import { openStandardOutput } from ${JSON.stringify(new URL("../../src/sys/standard-output.ts", import.meta.url).href)};
const out = openStandardOutput(2);
out.write("written\\n");
const failure = await out.flush();
const [, flags] = /flags:\\s+(\\d+)/.exec(readFileSync("/proc/self/fdinfo/2", "latin1"));
console.log(JSON.stringify({ failure, isBlocking: (Number.parseInt(flags, 8) & 0o4000) === 0 }));
`;

test("a pipe stays as it is for those who have it, too", async () => {
  const script = `{ "$NODE" --input-type=module -e "$SCRIPT" 3>&1 >&2 2>&3 | cat; } 2>&1`;
  const env = { PATH: process.env["PATH"], NODE: process.execPath, SCRIPT };
  const { stdout } = await runCommand(["sh", "-c", script], { env });
  expect(stdout.split("\n").toSorted()).toEqual(["", "written", '{"isBlocking":true}'].toSorted());
});
