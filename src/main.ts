#!/usr/bin/env node
/** The composition root: hands the command line over, and ends the process with what comes back. */
import { runProcess } from "./cli/main.ts";

// Node would open its debugger on loopback, which the workload shares: a program that connects runs code in
// this process.
process.on("SIGUSR1", () => undefined);

// Not awaited at the top: the bundle's files are functions.
void runProcess(process.argv.slice(2)).then((code) => process.exit(code));
