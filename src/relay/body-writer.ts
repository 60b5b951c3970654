import type { Field } from "./gate/field.ts";
import { CHUNKED, type Framing } from "./gate/framing.ts";
import type { Refusal } from "./gate/refusal.ts";
import { createRequestLikeness } from "./gate/request-like.ts";
import { writeFields } from "./gate/write-head.ts";
import type { BodyChange } from "./ports.ts";

/** Takes texts (latin1) and octets in their order. */
export interface Outlet {
  text(text: string): void;
  octets(octets: Buffer): void;
}

/** Writes a body anew. After a refusal nothing more of it may go on. */
export interface BodyWriter {
  data(octets: Buffer): Refusal | undefined;
  end(trailers: readonly Field[]): Refusal | undefined;
  /** See {@link createRequestLikeness}; of what was written so far. */
  isRequestLike(): boolean;
}

/** As a body goes out: one whose length may change has none. */
export function framingAfter(framing: Framing, change: BodyChange | undefined): Framing {
  return framing.kind === "length" && change?.keepsLength === false ? CHUNKED : framing;
}

/** With `framing` as it goes out: octets become chunks as they come. */
export function createBodyWriter(
  framing: Framing,
  outlet: Outlet,
  change: BodyChange | undefined,
): BodyWriter {
  const isChunked = framing.kind === "chunked";
  const likeness = createRequestLikeness();
  let hasTrailers = false;

  function write(octets: Buffer): void {
    if (octets.length === 0) return;
    likeness.add(octets);
    if (isChunked) outlet.text(`${octets.length.toString(16)}\r\n`);
    outlet.octets(octets);
    if (isChunked) outlet.text("\r\n");
  }

  return {
    data(octets) {
      const changed = change === undefined ? octets : change.push(octets);
      if ("kind" in changed) return changed;
      write(changed);
      return undefined;
    },
    end(trailers) {
      const held = change?.end();
      if (held !== undefined) {
        if ("kind" in held) return held;
        write(held);
      }
      hasTrailers = trailers.length > 0;
      if (isChunked) outlet.text(`0\r\n${writeFields(trailers)}\r\n`);
      return undefined;
    },
    isRequestLike: () => hasTrailers || likeness.isLike(),
  };
}
