/** Records of a message as a plain walk finds them; names only stepped over. */
export interface PlainRecord {
  readonly section: "answer" | "authority" | "additional";
  readonly type: number;
  readonly data: Buffer;
}

/** All records, or undefined where the walk does not end with the last octet. */
export function readRecords(message: Buffer): readonly PlainRecord[] | undefined {
  const records: PlainRecord[] = [];
  let at = 12;
  for (let left = message.readUInt16BE(4); left > 0; left--) at = stepOver(message, at) + 4;
  for (const [section, countAt] of SECTIONS) {
    for (let left = message.readUInt16BE(countAt); left > 0; left--) {
      const fields = stepOver(message, at);
      if (fields + 10 > message.length) return undefined;
      const end = fields + 10 + message.readUInt16BE(fields + 8);
      records.push({ section, type: message.readUInt16BE(fields), data: message.subarray(fields + 10, end) });
      at = end;
    }
  }
  return at === message.length ? records : undefined;
}

const SECTIONS = [
  ["answer", 6],
  ["authority", 8],
  ["additional", 10],
] as const;

function stepOver(message: Buffer, at: number): number {
  let place = at;
  for (let length = message[place]; length !== undefined && length !== 0; length = message[place]) {
    if (length >= 0xc0) return place + 2;
    place += 1 + length;
  }
  return place + 1;
}
