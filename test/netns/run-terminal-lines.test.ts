/** What `egress run` says on a terminal that its command writes to as well. */
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createMachine, type Machine } from "../support/machine.ts";
import { openShellTerminal, type ShellTerminal } from "../support/shell-terminal.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab({ ipv6: false });
let machine: Machine;
let shell: ShellTerminal;
beforeAll(() => {
  machine = createMachine(lab);
});
beforeEach(async () => {
  shell = await openShellTerminal(machine.spawn);
});
afterEach(() => shell[Symbol.asyncDispose]());

const FETCH = "curl -s --max-time 5 http://two.example.org/";

test("a denial begins a line of its own, where the command has not ended its own", async () => {
  const said = await shell.run(`egress run -- sh -c 'printf "Asking: "; ${FETCH}; read go </dev/null'`);
  expect(said).toContain("Asking: \r\negress run: denied two.example.org (no rule allows it)\r\n");
});

test("a program that has the whole screen is not written into; its denials come once it gives the screen back", async () => {
  const full = String.raw`printf "\033[?1049h"; ${FETCH}; ${FETCH}; echo drawn; read go; printf "\033[?1049l"; read go; echo over`;
  shell.type(`egress run -- sh -c '${full}'\r`);
  await shell.shows("1049hdrawn");
  shell.type("go\r");
  const drawn = await shell.shows("denied two.example.org");
  expect(drawn.indexOf("\u001B[?1049l")).toBeGreaterThan(-1);
  expect(drawn.indexOf("\u001B[?1049l")).toBeLessThan(drawn.indexOf("denied two.example.org"));
  shell.type("go\r");
  expect(await shell.shows("--allow two.example.org")).toContain("over\r\n");
});
