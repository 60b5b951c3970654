/**
 * The lines of lookups: a workload makes as many of them as it likes, so they are not pino's but written octet by octet into memory that
 * is used again. Fields and their order are the same as on pino's lines.
 *
 *     {"level":"warn","time":"2026-01-02T03:04:05.678Z","sandbox_id":"sbx-1","opensandbox.event":"egress.denied",
 *      "target.host":"x.example.com","layer":"user","rule":"*.example.com","msg":"lookup denied"}
 */
import type { AllowedLookup, DeniedLookup } from "./audit-log.ts";
import type { EncodedLine } from "./line-queue.ts";

/** What is encoded holds until the next line is. */
export interface LookupLines {
  denied(lookup: DeniedLookup): EncodedLine;
  allowed(lookup: AllowedLookup): EncodedLine;
}

/** `common`: the fields that every line of the log has. */
export function createLookupLines(
  common: Readonly<Record<string, string>>,
  now: () => number = Date.now,
): LookupLines {
  const fields = JSON.stringify(common).slice(1, -1);
  const denied = createOpenLine("warn", fields, "egress.denied", now);
  const allowed = createOpenLine("info", fields, "egress.outbound", now);
  return {
    denied({ host, layer, rule }) {
      denied.begin(host.length + layer.length + (rule?.length ?? 0));
      denied.string(host);
      denied.plain(',"layer":');
      denied.string(layer);
      if (rule !== undefined) {
        denied.plain(',"rule":');
        denied.string(rule);
      }
      denied.plain(',"msg":"lookup denied"}\n');
      return denied;
    },
    allowed({ host, ips, error }) {
      allowed.begin(ips.reduce((sum, ip) => sum + ip.length + 3, host.length + (error?.length ?? 0)));
      allowed.string(host);
      allowed.plain(',"target.ips":[');
      for (const [index, ip] of ips.entries()) {
        if (index > 0) allowed.plain(",");
        allowed.string(ip);
      }
      allowed.plain("]");
      if (error !== undefined) {
        allowed.plain(',"error":');
        allowed.string(error);
      }
      allowed.plain(',"msg":"lookup allowed"}\n');
      return allowed;
    },
  };
}

/** A line of one event that stands up to the value of `target.host`, and is then gone on with. */
interface OpenLine extends EncodedLine {
  /** Goes back to that place; the strings that follow have so many characters in all. */
  begin(characters: number): void;
  /** ASCII that is JSON already. */
  plain(text: string): void;
  string(text: string): void;
}

/** Room for what is plain after the host. */
const PLAIN_OCTETS = 128;
/** JSON writes a character as six octets at most: `\u0000`. */
const OCTETS_PER_CHARACTER = 6;

function createOpenLine(level: string, fields: string, event: string, now: () => number): OpenLine {
  let octets = Buffer.alloc(0);
  let at = 0;
  let headOctets = 0;
  let headMs = Number.NaN;

  /** Rendered once for all lines of a millisecond. */
  function renderHead(nowMs: number): string {
    const time = new Date(nowMs).toISOString();
    const common = fields === "" ? "" : `,${fields}`;
    return `{"level":"${level}","time":"${time}"${common},"opensandbox.event":"${event}","target.host":`;
  }
  return {
    octets() {
      return octets;
    },
    length() {
      return at;
    },
    begin(characters) {
      const nowMs = now();
      const room = PLAIN_OCTETS + OCTETS_PER_CHARACTER * characters;
      if (nowMs !== headMs || headOctets + room > octets.length) {
        const head = Buffer.from(renderHead(nowMs));
        if (head.length + room > octets.length) octets = Buffer.alloc(head.length + 2 * room);
        head.copy(octets);
        headOctets = head.length;
        headMs = nowMs;
      }
      at = headOctets;
    },
    plain(text) {
      at = writePlain(octets, at, text);
    },
    string(text) {
      at = writeString(octets, at, text);
    },
  };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

function writePlain(octets: Buffer, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) octets[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** Writes a JSON string; returns where it ends. */
function writeString(octets: Buffer, start: number, text: string): number {
  let at = start;
  octets[at++] = QUOTE;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    // Control characters and what is not ASCII: rare, for names come as letters, digits and `\DDD`.
    if (code < 0x20 || code > 0x7e) return start + octets.write(JSON.stringify(text), start);
    if (code === QUOTE || code === BACKSLASH) octets[at++] = BACKSLASH;
    octets[at++] = code;
  }
  octets[at++] = QUOTE;
  return at;
}
