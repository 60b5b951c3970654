/**
 * A server that is plainer than any: it writes a message record by record, with all names compressed or with
 * none, and truncates.
 */

/** Rdata in parts: octets as they are, and names. */
type RdataPart = Buffer | { readonly name: string };

export interface PlainRecord {
  readonly name: string;
  readonly type: number;
  readonly ttl?: number;
  readonly rdata: readonly RdataPart[];
}

export interface PlainMessage {
  readonly question: { readonly name: string; readonly type: number };
  readonly rcode?: number;
  readonly answers?: readonly PlainRecord[];
  readonly authorities?: readonly PlainRecord[];
  readonly isTruncated?: boolean;
  readonly authenticData?: boolean;
  readonly edns?: boolean;
  readonly compress?: boolean;
}

export function encodePlainly(message: PlainMessage): Buffer {
  const { question, answers = [], authorities = [], compress = true, edns = false } = message;
  const flags =
    0x8180 |
    (message.isTruncated === true ? 0x0200 : 0) |
    (message.authenticData === true ? 0x0020 : 0) |
    (message.rcode ?? 0);
  const written = new Map<string, number>();
  let octets = Buffer.concat([1, flags, 1, answers.length, authorities.length, edns ? 1 : 0].map(u16));
  const add = (...parts: readonly Buffer[]): void => void (octets = Buffer.concat([octets, ...parts]));
  const addName = (name: string): void => {
    const labels = name === "" ? [] : name.split(".");
    for (const [i, label] of labels.entries()) {
      const end = labels.slice(i).join(".").toLowerCase();
      const known = compress ? written.get(end) : undefined;
      if (known !== undefined) {
        add(u16(0xc000 | known));
        return;
      }
      if (octets.length < 0x4000 && !written.has(end)) written.set(end, octets.length);
      add(Buffer.of(label.length), Buffer.from(label));
    }
    add(Buffer.of(0));
  };
  addName(question.name);
  add(u16(question.type), u16(1));
  for (const { name, type, ttl = 60, rdata } of [...answers, ...authorities]) {
    addName(name);
    add(u16(type), u16(1), u16(ttl >>> 16), u16(ttl & 0xffff), u16(0));
    const start = octets.length;
    for (const part of rdata) {
      if (Buffer.isBuffer(part)) add(part);
      else addName(part.name);
    }
    octets.writeUInt16BE(octets.length - start, start - 2);
  }
  if (edns) add(Buffer.of(0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0));
  return octets;
}

/**
 * The message as a server sends it to a client that takes `limit` octets: without the authority section if
 * that does not fit, which alone is no truncation unless the client wants proofs (RFC 2181 section 9, RFC
 * 4035 section 3.1), then without the last records.
 */
export function truncatePlainly(message: PlainMessage, limit: number, wantsProofs: boolean): PlainMessage {
  if (encodePlainly(message).length <= limit) return message;
  const hadAuthority = (message.authorities ?? []).length > 0;
  let cut: PlainMessage = { ...message, authorities: [], isTruncated: wantsProofs && hadAuthority };
  while (encodePlainly(cut).length > limit) {
    cut = { ...cut, answers: (cut.answers ?? []).slice(0, -1), isTruncated: true };
  }
  return cut;
}

export function u16(value: number): Buffer {
  return Buffer.of(value >>> 8, value & 0xff);
}

export const plainA = (name: string, address: string, ttl = 60): PlainRecord => ({
  name,
  type: 1,
  ttl,
  rdata: [Buffer.from(address.split(".").map(Number))],
});
export const plainCname = (name: string, target: string, ttl = 60): PlainRecord => ({
  name,
  type: 5,
  ttl,
  rdata: [{ name: target }],
});
