/**
 * `npm run lab`: the demo's sandbox and internet, with a sidecar in the sandbox, to try things in by hand. It
 * stays until Ctrl-C, and removes all that it has made. `docs/tutorial.md` is a walk through it.
 */
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Argv } from "../../src/netns/command.ts";
import { argvIn } from "../../src/netns/namespace.ts";
import { createLab } from "../support/lab.ts";
import { MAIN } from "../support/tested-program.ts";
import { workloadArgv } from "../support/workload.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const POLICY = { defaultAction: "deny", egress: [{ action: "allow", target: "one.example.org" }] };

const stop = new AbortController();
// For good, not once: a child's runner (execa) sends the signal again if nobody listens any more.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort());
await serveLab((text) => void process.stdout.write(text));

async function serveLab(print: (text: string) => void): Promise<void> {
  await using lab = await createLab();
  const sidecar = await lab.startSidecar({ policy: POLICY });
  const file = join(lab.stateFolder, "enter.sh");
  await writeFile(file, renderFunctions(lab.sandbox.name, sidecar.socketPath));
  print(`A sandbox and an internet are up, with a sidecar that allows one.example.org. In another terminal, as root:

  . ${file}                            # then:
  sandbox curl http://one.example.org/                # runs a command in the sandbox, as its workload
  sandbox bash                                        # or enters it
  egress status                                       # the operator's commands, beside the sidecar

Names that exist: one, two and three.example.org, and all below wild.example.org. docs/tutorial.md is a walk of five minutes.
Ctrl-C here ends it, and removes all of it.
`);
  if (!stop.signal.aborted) await once(stop.signal, "abort");
}

/** For a shell to read. */
function renderFunctions(sandbox: string, socketPath: string): string {
  const enter = argvIn({ name: sandbox }, workloadArgv(["env"]));
  return [
    `export OPENSANDBOX_EGRESS_SOCKET=${shellWord(socketPath)}`,
    `sandbox() { ${shellLine(enter)} "$@"; }`,
    `egress() { ${shellLine([process.execPath, MAIN])} "$@"; }`,
    `cd ${shellWord(ROOT)}`,
    "",
  ].join("\n");
}

function shellLine(argv: Argv): string {
  return argv.map(shellWord).join(" ");
}

function shellWord(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
