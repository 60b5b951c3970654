/**
 * Loaded before the program: at SIGUSR2 the descriptor whose number stands in a file is closed, as a fault of
 * the program's own would close it. The number stays taken, by what no call works on: nothing else gets it.
 */
import { constants, openSync, readFileSync } from "node:fs";
import koffi from "koffi";

const O_PATH = 0o10000000;
const dup2 = koffi.load("libc.so.6").func("int dup2(int from, int to)");

process.on("SIGUSR2", () => {
  const fd = Number(readFileSync(process.env["DESCRIPTOR_FILE"] ?? "", "utf8"));
  dup2(openSync("/", constants.O_RDONLY | O_PATH), fd);
  process.stderr.write(`descriptor ${fd} is closed\n`);
});
