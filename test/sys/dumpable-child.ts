/** Says `ready` and waits; with the argument `undumpable` it has become so. */
import { setDumpable } from "../../src/sys/dumpable.ts";

if (process.argv[2] === "undumpable") setDumpable(false);
process.stdout.write("ready\n");
process.stdin.resume();
