/** What the demo tries, one function a step. The sidecar starts with one rule: allow one.example.org. */
import { setTimeout as sleep } from "node:timers/promises";
import { runCommand } from "../../src/netns/command.ts";
import { type CurlAnswer, curlArgv, parseCurl, urlAt } from "../support/curl.ts";
import { type Lab } from "../support/lab.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { startDownload } from "../support/download.ts";
import type { Story } from "./story.ts";

export interface Scene {
  readonly lab: Lab;
  readonly sidecar: Sidecar;
  readonly story: Story;
}

export async function fetchAllowedName({ lab, story }: Scene): Promise<void> {
  story.step("The sandbox fetches from the name that is allowed.");
  for (const [family, source] of families(lab, "198.51.100.1", "2001:db8:100::1")) {
    story.command(`curl ${family} http://one.example.org/`);
    const { status, body, complaint } = await lab.curl(family, "http://one.example.org/");
    story.expect(
      status === 200 && body === `hello from ${source}\n`,
      `the web server answered: ${body.trim()}`,
      `no answer: ${complaint}`,
    );
  }
  story.because(
    "The sidecar looked the name up and opened just its addresses, before the sandbox had the answer.",
  );
}

export async function fetchDeniedName({ lab, story }: Scene): Promise<void> {
  story.step("The sandbox tries a name that no rule allows.");
  story.command("curl http://two.example.org/");
  const { exitCode, complaint } = await lab.curl("http://two.example.org/");
  story.expect(exitCode === 6, `refused: ${complaint}`, `curl ended with ${String(exitCode)}: ${complaint}`);
  story.command("dig two.example.org");
  const { rcode, ede } = await lab.dig("two.example.org");
  story.expect(
    rcode === "NXDOMAIN",
    `the sidecar says ${rcode}, EDE ${ede ?? "none"}`,
    `it says ${rcode ?? "nothing"}`,
  );
  const asked = lab.upstream.questions().some(({ qname }) => qname.toLowerCase().includes("two.example.org"));
  story.expect(
    !asked,
    "the resolver in the internet was never asked",
    "the resolver in the internet was asked",
  );
}

export async function connectWithoutRule({ lab, story }: Scene): Promise<void> {
  story.step("The sandbox tries addresses directly, and another resolver.");
  for (const [, address] of families(lab, "198.51.100.2", "2001:db8:100::2")) {
    const url = address.includes(":") ? `http://[${address}]/` : `http://${address}/`;
    story.command(`curl ${url}`);
    let answer: CurlAnswer | undefined;
    const frames = await lab.canary.during(async () => (answer = await lab.curl(url)));
    const ms = Math.round(answer?.durationMs ?? 0);
    story.expect(
      answer?.exitCode === 7 && ms < 1_000,
      `refused at once, curl was done after ${ms} ms`,
      `curl ended with ${String(answer?.exitCode)} after ${ms} ms`,
    );
    const left = frames.filter(({ destination }) => destination === address);
    story.expect(
      left.length === 0,
      "not one packet left the sandbox",
      `${left.length} packets left the sandbox`,
    );
  }
  story.command("dig @203.0.113.53 two.example.org");
  const { rcode } = await lab.dig("@203.0.113.53", "two.example.org");
  story.expect(
    rcode === "NXDOMAIN",
    "the sidecar answered in its place: NXDOMAIN",
    `it says ${rcode ?? "nothing"}`,
  );
}

export async function showOtherName({ lab, story }: Scene): Promise<void> {
  story.step("The sandbox asks the address that it may reach for another site.");
  const url = "http://two.example.org/";
  story.command(`curl --connect-to ::198.51.100.1: ${url}`);
  const { exitCode, complaint } = await lab.curl(...urlAt("198.51.100.1", url));
  story.expect(exitCode === 56, `refused: ${complaint}`, `curl ended with ${String(exitCode)}: ${complaint}`);
  story.because(
    "A connection to an address that a name opened must show an allowed name: an address is no site.",
  );
}

export async function openName(scene: Scene): Promise<void> {
  const { lab, story } = scene;
  story.step("The operator opens the second name.");
  const change = '[{"action":"allow","target":"two.example.org"}]';
  const { status, body } = await callApi(scene, "PATCH", change);
  story.expect(status === 200, `200 ${body}`, `${status} ${body}`);
  story.command("curl http://two.example.org/");
  const answer = await lab.curl("http://two.example.org/");
  story.expect(
    answer.status === 200,
    `the sandbox now gets it: ${answer.body.trim()}`,
    `curl ended with ${String(answer.exitCode)}: ${answer.complaint}`,
  );
}

export async function cutDownload(scene: Scene): Promise<void> {
  const { lab, story } = scene;
  story.step("Two downloads run, and the operator denies one of the two names.");
  story.command("curl http://one.example.org/slow &");
  story.command("curl http://two.example.org/slow &");
  const kept = await startDownload(lab, "http://one.example.org/slow");
  const cut = await startDownload(lab, "http://two.example.org/slow");
  await sleep(300);
  story.expect(
    kept.octets() > 0 && cut.octets() > 0 && !kept.hasEnded() && !cut.hasEnded(),
    `both run: ${kept.octets()} and ${cut.octets()} octets so far`,
    "not both run",
  );
  const asked = performance.now();
  const { status, body } = await callApi(scene, "PATCH", '[{"action":"deny","target":"two.example.org"}]');
  story.expect(status === 200, `200 ${body}`, `${status} ${body}`);
  const end = await Promise.race([cut.end, sleep(3_000)]);
  const ms = Math.round(performance.now() - asked);
  const before = kept.octets();
  await sleep(300);
  story.expect(
    end?.exitCode === 56,
    `the second download was cut within ${ms} ms of the call`,
    end === undefined
      ? "the second download still runs"
      : `the second download ended with ${String(end.exitCode)}`,
  );
  story.expect(
    !kept.hasEnded() && kept.octets() > before,
    `the first goes on: ${kept.octets()} octets`,
    "the first download stopped too",
  );
  story.because(
    "Flows are judged again after a change; one that is no longer allowed is reset on its next packet.",
  );
}

export async function showPolicy(scene: Scene): Promise<void> {
  const { story } = scene;
  story.step("The operator looks at the policy.");
  const { status, body } = await callApi(scene, "GET");
  const rules =
    '"egress":[{"action":"deny","target":"two.example.org"},{"action":"allow","target":"one.example.org"}]';
  story.expect(status === 200 && body.includes(rules), body, `not as expected: ${status} ${body}`);
}

/** curl on the operator's side, over the unix socket. */
async function callApi({ sidecar, story }: Scene, method: string, body?: string): Promise<CurlAnswer> {
  const data = body === undefined ? "" : ` -d '${body}'`;
  story.command(`curl -X ${method}${data} --unix-socket egress.sock http://egress/policy`);
  return parseCurl(
    await runCommand(
      curlArgv([
        "-X",
        method,
        ...(body === undefined ? [] : ["-d", body]),
        "-H",
        `OPENSANDBOX-EGRESS-AUTH: ${sidecar.token}`,
        "--unix-socket",
        sidecar.socketPath,
        "http://egress/policy",
      ]),
    ),
  );
}

function families(lab: Lab, v4: string, v6: string): readonly (readonly ["-4" | "-6", string])[] {
  return lab.ipv6
    ? [
        ["-4", v4],
        ["-6", v6],
      ]
    : [["-4", v4]];
}
