/** Lookups of a denied name, and encrypted ones, by every way that needs no right. */
import { randomBytes } from "node:crypto";
import { SOL_SOCKET } from "../../sys/socket-constants.ts";
import type { Check } from "../check.ts";
import { judgeConnect, judgeLookup, judgeOddLookup, untried } from "../evidence.ts";
import type { Finding } from "../finding.ts";
import { goesTo, holdsLabel, type Mark } from "../frames.ts";
import { askTcp, askUdp } from "../io/ask.ts";
import { runTrials, type Trial } from "../io/trials.ts";
import { encodeLookup, nameToDeny } from "../lookup-message.ts";
import { Protocol } from "../packets.ts";
import { DOCUMENTED_RESOLVERS, familyOf, type Place } from "../place.ts";
import { connecting } from "./connections.ts";
import { MARKS, setMark } from "./marks.ts";

const DNS = 53;
const TXT = 16;
const DOCKER_RESOLVER = "127.0.0.11";

export const LOOKUPS: readonly Check[] = [
  {
    name: "another resolver over UDP",
    row: "2",
    run: (place) => runTrials(place.watch, reachable(place).map(askingUdp), judgeLookup),
  },
  {
    name: "another resolver over TCP",
    row: "2",
    run: (place) => runTrials(place.watch, reachable(place).map(askingTcp), judgeLookup),
  },
  {
    name: "the configured resolvers",
    row: "2, 24",
    run: (place) => runTrials(place.watch, place.nameservers.map(askingUdp), judgeLookup),
  },
  {
    name: "odd questions",
    row: "3",
    run: (place) => runTrials(place.watch, reachable(place).slice(1).flatMap(oddly), judgeOddLookup),
  },
  {
    name: "a resolver on loopback",
    row: "24",
    async run({ watch }) {
      const findings = await runTrials(watch, [askingUdp(DOCKER_RESOLVER)], judgeLookup);
      // Without a sidecar nothing is there, and nothing is stopped.
      return findings.map((finding) => (finding.detail === "refused" ? nobodyThere(finding) : finding));
    },
  },
  {
    name: "marked lookups",
    row: "4",
    needsRaw: true,
    run: (place) =>
      runTrials(place.watch, [...reachable(place), ...place.nameservers].flatMap(marked), judgeLookup),
  },
  {
    name: "other ports of the resolvers",
    row: "8",
    run: (place) =>
      runTrials(place.watch, place.nameservers.filter(isOutside).flatMap(otherPorts), judgeConnect),
  },
];

/** Resolvers of the address families that have a route. */
function reachable({ own }: Place): readonly string[] {
  return DOCUMENTED_RESOLVERS.filter((address) => own[familyOf(address)] !== undefined);
}

function askingUdp(address: string): Trial {
  const { message, label } = question();
  return {
    what: "UDP",
    family: familyOf(address),
    mark: holdsLabel(label),
    act: () => askUdp({ address, port: DNS }, message),
  };
}

function askingTcp(address: string): Trial {
  const { message, label } = question();
  const asks = holdsLabel(label);
  const connects = goesTo(address, Protocol.tcp, DNS);
  const mark: Mark = (octets) => asks(octets) || connects(octets);
  return { what: "TCP", family: familyOf(address), mark, act: () => askTcp({ address, port: DNS }, message) };
}

/** Forms that a resolver might pass on without knowing them. Whatever the answer is, nothing may leave. */
function oddly(address: string): readonly Trial[] {
  const { message, label } = question();
  const changed = (what: string, change: (octets: Buffer) => Buffer): Trial => ({
    what,
    family: familyOf(address),
    mark: holdsLabel(label),
    act: () => askUdp({ address, port: DNS }, change(Buffer.from(message))),
  });
  const labelAt = 13;
  const typeAt = message.length - 11 - 4;
  return [
    changed("type TXT", set(typeAt, 0, TXT)),
    changed("type ANY", set(typeAt, 0, 255)),
    changed("class CHAOS", set(typeAt + 2, 0, 3)),
    changed("a NUL in a label", set(labelAt + label.length + 3, 0)),
    changed("a dot in a label", set(labelAt + label.length + 3, 0x2e)),
    changed("opcode NOTIFY", set(2, 0x20)),
    changed("two questions", (copy) =>
      Buffer.concat([set(4, 0, 2)(copy).subarray(0, typeAt + 4), copy.subarray(12)]),
    ),
  ];
}

function set(at: number, ...octets: readonly number[]): (message: Buffer) => Buffer {
  return (message) => {
    message.set(octets, at);
    return message;
  };
}

function marked(address: string): readonly Trial[] {
  return MARKS.map((mark) => {
    const { message, label } = question();
    return {
      what: `mark ${mark}`,
      family: familyOf(address),
      mark: holdsLabel(label),
      act: () => askUdp({ address, port: DNS }, message, (socket) => setMark(socket, SOL_SOCKET, mark)),
    };
  });
}

function otherPorts(address: string): readonly Trial[] {
  const way = { family: familyOf(address), destination: address };
  return [853, 443, 5353].map((port) => connecting(`TCP port ${port}`, way, port));
}

function isOutside(address: string): boolean {
  return !address.startsWith("127.") && address !== "::1";
}

function nobodyThere(finding: Finding): Finding {
  return { ...finding, ...untried(`nothing answers at ${DOCKER_RESOLVER}`) };
}

function question(): { readonly message: Buffer; readonly label: string } {
  const label = randomBytes(8).toString("hex");
  return { message: encodeLookup(nameToDeny(label)), label };
}
