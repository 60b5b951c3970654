/**
 * Runs the attack programs of `attacks/` as the workload, and tells apart what may be seen outside from what
 * may not.
 */
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { z } from "zod";
import type { Argv, CommandResult } from "../../src/netns/command.ts";
import { execIn, type NetworkNamespace } from "../../src/netns/namespace.ts";
import type { Frame } from "../support/canary.ts";
import type { Family } from "../support/families.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import { INTERNET_V4, INTERNET_V6, type Lab } from "../support/lab.ts";
import { WAIT_MS } from "../support/limits.ts";
import { workloadArgv } from "../support/workload.ts";

/** What was tried, and how it ended: an errno, `sent`, `timeout`, or the program's own word. */
export type Outcome = Readonly<Record<string, string>>;

const lineShape = z.looseObject({ what: z.string(), result: z.string() });

/** Runs `attacks/NAME.py ARGS` to its end. */
export async function attack(lab: Lab, name: string, ...args: readonly string[]): Promise<Outcome> {
  return readOutcome(await lab.asWorkload(attackArgv(name, args)));
}

/** The same, with what it reads from its standard input. */
export async function attackWith(
  lab: Lab,
  name: string,
  input: string,
  ...args: readonly string[]
): Promise<Outcome> {
  return readOutcome(await lab.asWorkload(attackArgv(name, args), { input, timeoutMs: WAIT_MS }));
}

/** What an attack program that has ended says. */
export function readOutcome({ stdout, stderr, exitCode }: CommandResult): Outcome {
  if (exitCode !== 0) throw new Error(stderr);
  const lines = stdout.split("\n").filter(Boolean);
  return Object.fromEntries(
    lines.map((line) => lineShape.parse(JSON.parse(line))).map(({ what, result }) => [what, result]),
  );
}

/** Starts one that says `ready` and goes on until it is disposed. */
export async function startAttack(lab: Lab, name: string, ...args: readonly string[]): Promise<JsonServer> {
  return startJsonServer(lab.sandbox, workloadArgv(attackArgv(name, args)));
}

/** The same from the internet's side: an accomplice outside. */
export async function startAccomplice(
  lab: Lab,
  name: string,
  ...args: readonly string[]
): Promise<JsonServer> {
  return startJsonServer(lab.internet, attackArgv(name, args));
}

/** Fails unless each attempt was refused at once, rather than sent or left to hang. */
export function expectRefused(outcome: Outcome): void {
  expect(Object.keys(outcome)).not.toEqual([]);
  const others = Object.entries(outcome).filter(([, result]) => !REFUSED.has(result));
  expect(others).toEqual([]);
}

const REFUSED = new Set(["EPERM", "EACCES", "ECONNREFUSED"]);

export function attackArgv(name: string, args: readonly string[]): Argv {
  return ["python3", "-B", fileURLToPath(new URL(`attacks/${name}.py`, import.meta.url)), ...args];
}

export async function macOf(namespace: NetworkNamespace, device = "eth0"): Promise<string> {
  return (await execIn(namespace, ["cat", `/sys/class/net/${device}/address`])).stdout.trim();
}

/** Where the API really listens to callers from outside, as the kernel redirects them. */
export async function readApiPort(lab: Lab): Promise<number> {
  return (await readApiPorts(lab)).outside;
}

/** Where the API really listens, to callers from outside and to those of the sandbox. */
export async function readApiPorts(lab: Lab): Promise<{ outside: number; inside: number }> {
  const { stdout } = await execIn(lab.sandbox, ["nft", "list", "table", "inet", "opensandbox_api"]);
  const [outside = NaN, inside = NaN] = Array.from(stdout.matchAll(/dnat to :(\d+)/g), ([, port]) =>
    Number(port),
  );
  return { outside, inside };
}

const NEIGHBOUR_TYPES = new Set([133, 135, 136]);
const UPSTREAMS = new Set([INTERNET_V4, INTERNET_V6]);
/** Neighbour discovery and ARP of this size carry nothing. */
const BARE_OCTETS = 110;
const BARE_ARP_OCTETS = 42;

/**
 * The frames of `act` that an idle sandbox under a running sidecar does not send: all but the kernel's own
 * ARP and neighbour discovery, and lookups to the upstream. What the upstream was asked is for the test to
 * look at.
 */
export async function leaksOf(lab: Lab, act: () => Promise<unknown>): Promise<readonly Frame[]> {
  return (await lab.canary.during(act)).filter((frame) => !isOrdinary(frame));
}

function isOrdinary(frame: Frame): boolean {
  if (frame.transport === "arp") return frame.length <= BARE_ARP_OCTETS;
  if (frame.ethertype === 0x86dd && frame.transport === "protocol 0") return frame.length <= BARE_OCTETS; // MLD
  if (frame.transport === "icmpv6") {
    return NEIGHBOUR_TYPES.has(frame.icmpType ?? 0) && frame.length <= BARE_OCTETS;
  }
  return frame.destinationPort === 53 && UPSTREAMS.has(frame.destination ?? "");
}

/** Names that the upstream was asked while `act` ran, in lower case. */
export async function questionsOf(lab: Lab, act: () => Promise<unknown>): Promise<readonly string[]> {
  const before = lab.upstream.questions().length;
  await act();
  return lab.upstream
    .questions()
    .slice(before)
    .filter((question) => !isProbe(question))
    .map(({ qname }) => qname.toLowerCase());
}

/**
 * The sidecar's own, each 30 s: a test that takes long on a busy machine sees one. No workload's lookup of
 * the root is ever passed on.
 */
function isProbe({ qname, qtype }: { readonly qname: string; readonly qtype: string }): boolean {
  return qname === "." && qtype === "NS";
}

/**
 * An address of the family that the policies of these tests never allow; unlike `nameless` one for each
 * purpose.
 */
export function deniedAddress({ name }: Family, number: number): string {
  return name === "IPv4" ? `203.0.113.${number}` : `2001:db8:100:ee::${number}`;
}

/** Allows the names that every lab knows, and nothing else. */
export const POLICY = {
  defaultAction: "deny",
  egress: [
    { action: "allow", target: "one.example.org" },
    { action: "allow", target: "*.wild.example.org" },
  ],
};
