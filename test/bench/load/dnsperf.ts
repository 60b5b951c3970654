/** dnsperf, over a file of numbered names that it makes. */
import { writeFile } from "node:fs/promises";
import { requireCommand } from "../../../src/netns/command.ts";
import { argvIn } from "../../../src/netns/namespace.ts";
import type { Place } from "../subjects/subject.ts";
import { numberedName } from "./numbered-names.ts";

export interface DnsperfTask {
  /** File of names, from `writeNames`. Read from the beginning again when used up, unless told. */
  readonly file: string;
  readonly isReadOnce?: boolean;
  /** At most, where the file is read once. */
  readonly seconds: number;
  readonly inFlight: number;
  readonly tcp?: boolean;
  /** No more than so many a second. */
  readonly perSecond?: number;
  /** Sockets that ask, in turn; without it as few as lose no answer. */
  readonly sockets?: number;
}

export interface DnsperfReport {
  readonly sent: number;
  readonly lost: number;
  readonly perSecond: number;
  /** How many answers had each rcode. */
  readonly rcodes: Readonly<Record<string, number>>;
}

/**
 * A socket of dnsperf's takes this many answers at once without loss, whatever the machine's default buffer.
 */
const IN_FLIGHT_PER_SOCKET = 50;
const LOST_AFTER_SECONDS = 1;
const TCP_CONNECTIONS = 4;

/** Writes `count` names from number `first` on, one question for A each. */
export async function writeNames(path: string, first: number, count: number, zone: string): Promise<void> {
  const lines: string[] = [];
  for (let number = first; number < first + count; number++) lines.push(`${numberedName(number, zone)} A\n`);
  await writeFile(path, lines.join(""));
}

export async function runDnsperf(
  { namespace, server, processors }: Place,
  task: DnsperfTask,
): Promise<DnsperfReport> {
  const { file, isReadOnce = false, seconds, inFlight, tcp = false, perSecond } = task;
  const fewest = Math.max(Math.ceil(inFlight / IN_FLIGHT_PER_SOCKET), tcp ? TCP_CONNECTIONS : 1);
  const options: Readonly<Record<string, string | number>> = {
    s: server.address,
    p: server.port,
    d: file,
    m: tcp ? "tcp" : "udp",
    q: inFlight,
    c: task.sockets ?? fewest,
    l: seconds,
    t: LOST_AFTER_SECONDS,
    ...(perSecond === undefined ? {} : { Q: perSecond }),
    ...(isReadOnce ? { n: 1 } : {}),
  };
  const args = Object.entries(options).flatMap(([option, value]) => [`-${option}`, String(value)]);
  const argv = argvIn(namespace, processors.pinned("load", ["dnsperf", ...args]));
  const text = await requireCommand(argv, { timeoutMs: (seconds + 30) * 1000 });
  return parseDnsperf(text);
}

function parseDnsperf(text: string): DnsperfReport {
  const number = (label: string): number =>
    Number(new RegExp(`${label}:\\s+([0-9.]+)`).exec(text)?.[1] ?? Number.NaN);
  const rcodes = /Response codes:\s+(.*)/.exec(text)?.[1] ?? "";
  return {
    sent: number("Queries sent"),
    lost: number("Queries lost"),
    perSecond: number("Queries per second"),
    rcodes: Object.fromEntries(
      Array.from(rcodes.matchAll(/(\w+) (\d+) \(/g), ([, rcode, count]) => [rcode ?? "", Number(count)]),
    ),
  };
}
