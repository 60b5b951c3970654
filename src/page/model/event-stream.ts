/** Reads server-sent events (WHATWG HTML, section 9.2) from text that comes in pieces. */

export interface StreamEvent {
  readonly id: string;
  /** `message` where the stream does not say. */
  readonly type: string;
  readonly data: string;
}

export interface EventReader {
  /**
   * The events that this piece completes. Throws RangeError for one that is longer than any of the sidecar's.
   */
  read(piece: string): readonly StreamEvent[];
}

const LONGEST_EVENT = 1 << 20;

/** Comments and fields that are not known are passed over. */
export function createEventReader(longest = LONGEST_EVENT): EventReader {
  let rest = "";
  return {
    read(piece) {
      const blocks = (rest + piece).replaceAll(/\r\n?/g, "\n").split("\n\n");
      rest = blocks.pop() ?? "";
      if (rest.length > longest) throw new RangeError("an event of the stream has no end");
      return blocks.map(readBlock).filter(({ data }) => data !== "");
    },
  };
}

function readBlock(block: string): StreamEvent {
  const event = { id: "", type: "message" };
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const [, field = "", value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (field === "id") event.id = value;
    else if (field === "event") event.type = value;
    else if (field === "data") data.push(value);
  }
  return { ...event, data: data.join("\n") };
}
