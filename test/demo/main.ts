/**
 * `npm run demo`: the real program on the real kernel, offline, told in plain words. It makes a sandbox and
 * an internet, two network namespaces with servers that are not ours, and removes both again. Exit 0 only if
 * all happened as told.
 */
import { createLab, type Lab } from "../support/lab.ts";
import {
  connectWithoutRule,
  cutDownload,
  fetchAllowedName,
  fetchDeniedName,
  openName,
  showOtherName,
  showPolicy,
} from "./steps.ts";
import { createStory, type Story } from "./story.ts";

const LIMIT_MS = 60_000;
const STEPS = [
  fetchAllowedName,
  fetchDeniedName,
  connectWithoutRule,
  showOtherName,
  openName,
  cutDownload,
  showPolicy,
];

process.exitCode = await demo((line) => void process.stdout.write(`${line}\n`));

async function demo(print: (line: string) => void): Promise<number> {
  const startedAt = performance.now();
  const story = createStory(print);
  try {
    await using lab = await createLab();
    print("A sandbox and an internet have been made: two network namespaces, joined by a link.");
    print(
      "In the internet: dnsmasq as the resolver, and a web server at every address. Nothing leaves this machine.",
    );
    await Promise.race([tell(lab, story), interruption()]);
  } catch (error) {
    story.expect(false, "", error instanceof Error ? error.message : String(error));
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (story.failures.length === 0)
    print(`\nAll of it happened, in ${seconds} s. Everything made has been removed.`);
  else print(`\nNot all of it happened:\n${story.failures.map((failure) => `  ${failure}`).join("\n")}`);
  return story.failures.length === 0 ? 0 : 1;
}

async function tell(lab: Lab, story: Story): Promise<void> {
  story.step("The sidecar is started in the sandbox, with one rule.");
  const policy = { defaultAction: "deny", egress: [{ action: "allow", target: "one.example.org" }] };
  story.command(`OPENSANDBOX_EGRESS_RULES='${JSON.stringify(policy)}' egress serve`);
  const sidecar = await lab.startSidecar({ policy });
  story.expect(true, `healthy ${Math.round(sidecar.startMs)} ms after its start (not bundled)`, "");
  for (const step of STEPS) await step({ lab, sidecar, story });
}

/** Rejects on Ctrl-C, or when the demo takes too long; what was made is then removed as after any failure. */
async function interruption(): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => reject(new Error(signal)));
  setTimeout(() => reject(new Error(`it took longer than ${LIMIT_MS / 1000} s`)), LIMIT_MS).unref();
  return promise;
}
