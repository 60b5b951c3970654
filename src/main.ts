#!/usr/bin/env node
/** The composition root: hands the command line over, and ends the process with what comes back. */
import { runCli } from "./cli/main.ts";

process.exit(await runCli(process.argv.slice(2)));
