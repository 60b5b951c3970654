/**
 * The lines of lookups: a workload makes as many of them as it likes, so they are not pino's but written
 * octet by octet into memory that is used again. The names of the original stand beside those of
 * OpenTelemetry's conventions, and of ECS where it has none.
 *
 *     {"level":"warn","time":"2026-01-02T03:04:05.678Z","sandbox_id":"sbx-1","opensandbox.event":"egress.denied","decision":"denied",
 *      "dns.question.type":"A","dns.response_code":"NXDOMAIN","layer":"user","target.host":"x.example.com",
 *      "dns.question.name":"x.example.com","rule":"*.example.com","msg":"lookup denied"}
 */
import {
  type DecisionEvent,
  LAYERS,
  type Outcome,
  OUTCOMES,
  REASON_WORDS,
  type TakenOut,
  type VisitAddress,
} from "../decisions/decision-event.ts";
import { rcodeWord, typeWord } from "../decisions/words.ts";
import { renderAddress, renderIpv6 } from "../policy/address.ts";
import type { CommonFields } from "./common-fields.ts";
import type { EncodedLine } from "./line-queue.ts";
import { createOpenLine, type OpenLine } from "./open-line.ts";

export interface LookupLines {
  /** What is encoded holds until the next line is. */
  encode(event: DecisionEvent): EncodedLine;
  setUpstreams(upstreams: readonly Upstream[]): void;
}

export interface Upstream {
  readonly address: string;
  readonly port: number;
}

interface Words {
  readonly level: "info" | "warn";
  readonly event: string;
  readonly msg: string;
}

const OUTBOUND = { level: "info", event: "egress.outbound" } as const;
const WORDS: Readonly<Record<Outcome, Words>> = {
  allowed: { ...OUTBOUND, msg: "lookup allowed" },
  denied: { level: "warn", event: "egress.denied", msg: "lookup denied" },
  withheld: { level: "warn", event: "egress.withheld", msg: "lookup allowed, but every address is denied" },
  nxdomain: { ...OUTBOUND, msg: "lookup allowed, but there is no such name" },
  nodata: { ...OUTBOUND, msg: "lookup allowed, but there is no data" },
  failed: { ...OUTBOUND, level: "warn", msg: "lookup failed" },
  audited: { level: "warn", event: "egress.audited", msg: "lookup audited" },
};

/** Each of them has lines of its own for each type and rcode below these; others share one. */
const TYPES = 32;
const RCODES = 8;

/** `common`: the fields that every line of the log has. */
export function createLookupLines(common: CommonFields["read"]): LookupLines {
  const openLineFor = createOpenLines(common);
  const addresses = createAddressTexts();
  let upstreams: readonly string[] = [];

  return {
    encode(event) {
      const { decision, name = "", rule = "" } = event;
      const hasAddresses = decision !== "denied";
      if (hasAddresses) addresses.take(event);
      const line = openLineFor(event);
      const characters = name.length + (hasAddresses ? addresses.characters() : 0);
      line.begin(event.timeMs, 2 * characters + rule.length + charactersOf(event.takenOut));
      writeHead(line, event);
      if (hasAddresses) addresses.write(line);
      writeDecision(line, event);
      if (event.takenOut !== undefined) writeTakenOut(line, event.takenOut);
      if (event.upstream !== undefined) line.plain(upstreams[event.upstream] ?? "");
      if (event.durationMs > 0) line.plain(`,"dns.lookup.duration":${renderSeconds(event.durationMs)}`);
      line.plain(ENDS[decision]);
      return line;
    },
    setUpstreams(endpoints) {
      upstreams = endpoints.map(
        ({ address, port }) => `,"server.address":"${address}","server.port":${port}`,
      );
    },
  };
}

/**
 * What many lines have in common stands in their beginning, which is rendered once for those of a
 * millisecond.
 */
function createOpenLines(common: CommonFields["read"]): (event: DecisionEvent) => OpenLine {
  let lines: (OpenLine | undefined)[] = [];
  let said = common();
  function open({ decision, qtype, rcode, layer }: DecisionEvent): OpenLine {
    const { level, event } = WORDS[decision];
    const fields = JSON.stringify(said).slice(1, -1);
    const rest = [
      ...(fields === "" ? [] : [fields]),
      `"opensandbox.event":"${event}","decision":"${decision}"`,
      ...(qtype < TYPES ? [`"dns.question.type":"${typeWord(qtype)}"`] : []),
      ...(rcode < RCODES ? [`"dns.response_code":"${rcodeWord(rcode)}"`] : []),
      `"layer":"${layer}"`,
    ];
    return createOpenLine(level, rest.join(","));
  }
  return (event) => {
    const fields = common();
    if (fields !== said) [said, lines] = [fields, []];
    const type = Math.min(event.qtype, TYPES);
    const words = OUTCOMES.indexOf(event.decision) * LAYERS.length + LAYERS.indexOf(event.layer);
    const place = (words * (TYPES + 1) + type) * (RCODES + 1);
    return (lines[place + Math.min(event.rcode, RCODES)] ??= open(event));
  };
}

interface AddressTexts {
  take(event: DecisionEvent): void;
  /** With their quotes and commas. */
  characters(): number;
  write(line: OpenLine): void;
}

function createAddressTexts(): AddressTexts {
  const texts: string[] = [];
  let characters = 0;
  const keep: VisitAddress = (octets, at, length) => {
    const text = renderAnyAddress(octets.subarray(at, at + length));
    texts.push(text);
    characters += text.length + 3;
  };
  return {
    take(event) {
      texts.length = 0;
      characters = 0;
      event.forEachAddress(keep);
    },
    characters() {
      return characters;
    },
    write(line) {
      line.plain(',"target.ips":[');
      const from = line.end() - 1;
      for (let i = 0; i < texts.length; i++) {
        if (i > 0) line.plain(",");
        line.string(texts[i] ?? "");
      }
      line.plain("]");
      const to = line.end();
      line.plain(',"dns.answers":');
      line.again(from, to);
    },
  };
}

function writeHead(line: OpenLine, { name = "", qtype, rcode }: DecisionEvent): void {
  const from = line.end();
  line.string(name);
  const to = line.end();
  line.plain(',"dns.question.name":');
  line.again(from, to);
  if (qtype >= TYPES) line.plain(`,"dns.question.type":"${typeWord(qtype)}"`);
  if (rcode >= RCODES) line.plain(`,"dns.response_code":"${rcodeWord(rcode)}"`);
}

function writeDecision(line: OpenLine, { decision, rule, reason }: DecisionEvent): void {
  if (rule !== undefined) {
    line.plain(',"rule":');
    line.string(rule);
  }
  if (reason === undefined) return;
  if (decision === "failed") line.plain(`,"error":"${REASON_WORDS[reason]}","error.type":"${reason}"`);
  else line.plain(`,"reason":"${reason}"`);
}

/** Room for its rule, and for what stands about it. */
function charactersOf(takenOut: TakenOut | undefined): number {
  return takenOut === undefined ? 0 : (takenOut.rule ?? "").length + 64;
}

function writeTakenOut(line: OpenLine, { count, first, rule, reason }: TakenOut): void {
  line.plain(`,"withheld.count":${count},"withheld.ip":"${renderAnyAddress(first)}"`);
  if (rule !== undefined) {
    line.plain(',"withheld.rule":');
    line.string(rule);
  }
  if (reason !== undefined) line.plain(`,"withheld.reason":"${reason}"`);
}

function renderAnyAddress(octets: Uint8Array): string {
  return octets.length === 4 ? renderAddress(octets) : renderIpv6(octets);
}

const ENDS: Readonly<Record<Outcome, string>> = {
  allowed: `,"msg":"${WORDS.allowed.msg}"}\n`,
  denied: `,"msg":"${WORDS.denied.msg}"}\n`,
  withheld: `,"msg":"${WORDS.withheld.msg}"}\n`,
  nxdomain: `,"msg":"${WORDS.nxdomain.msg}"}\n`,
  nodata: `,"msg":"${WORDS.nodata.msg}"}\n`,
  failed: `,"msg":"${WORDS.failed.msg}"}\n`,
  audited: `,"msg":"${WORDS.audited.msg}"}\n`,
};

/** A number of JSON, exact to the microsecond. */
function renderSeconds(durationMs: number): string {
  return String(Math.round(durationMs * 1000) / 1_000_000);
}
