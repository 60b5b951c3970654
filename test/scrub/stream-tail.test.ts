import { array, assert, nat, property, uint8Array } from "fast-check";
import { expect, test } from "vitest";
import { createStreamTail } from "../../src/scrub/stream-tail.ts";

test("it has the last octets, however they came", () => {
  assert(
    property(nat(12), array(uint8Array({ maxLength: 15 }), { maxLength: 30 }), (most, pieces) => {
      const tail = createStreamTail(most);
      for (const piece of pieces) tail.keep(piece);
      const all = Buffer.concat(pieces);
      for (let count = 0; count <= most; count += 1)
        expect([...tail.last(count)]).toEqual([...all.subarray(Math.max(all.length - count, 0))]);
    }),
  );
});
