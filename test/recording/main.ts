/**
 * `npm run record`: types the commands of README's thirty seconds on a machine that a namespace plays, and
 * draws what came as docs/egress-run.svg.
 */
import { readFile, writeFile } from "node:fs/promises";
import { delimiter, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "../../src/netns/command.ts";
import { blockOf } from "../readme/markdown.ts";
import { parseTranscript } from "../readme/transcript.ts";
import { createLab } from "../support/lab.ts";
import { withOwnPlaces } from "../support/own-places.ts";
import { renderRecording, type TypedCommand } from "./render-recording.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ZONE = {
  "example.org": { addresses: ["198.51.100.1"] },
  "example.com": { addresses: ["198.51.100.2"] },
};

const steps = parseTranscript(blockOf(await readFile(`${ROOT}README.md`, "utf8"), "run").lines);
await using machine = await createLab({ ipv6: false, zone: ZONE });
const env = {
  PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter),
  HOME: "/nonexistent",
  OPENSANDBOX_EGRESS_DNS_UPSTREAM: machine.upstream.addresses[0],
};
const typed: TypedCommand[] = [];
for (const { command } of steps) {
  const shell = withOwnPlaces(["sh", "-c", `exec 2>&1\n${command}`]);
  const startedMs = performance.now();
  const { stdout } = await runCommand(
    ["/usr/bin/nsenter", `--net=/run/netns/${machine.sandbox.name}`, "--", ...shell],
    { env, cwd: ROOT },
  );
  typed.push({ command, output: stdout.trimEnd().split("\n"), ms: performance.now() - startedMs });
}
await writeFile(
  `${ROOT}docs/egress-run.svg`,
  renderRecording("egress run holds one command to a policy", typed),
);
process.stdout.write("docs/egress-run.svg is drawn\n");
