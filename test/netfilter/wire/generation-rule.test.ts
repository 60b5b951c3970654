import { expect, test } from "vitest";
import { appendGenerationRule, flushChain } from "../../../src/netfilter/wire/generation-rule.ts";
import { createNetlinkWriter, type NetlinkWriter } from "../../../src/netlink/writer.ts";

/** What `nft --debug=mnl` of nft 1.0.6 shows behind the message's header, octets in hex. */
function hex(write: (writer: NetlinkWriter) => void): string {
  const writer = createNetlinkWriter();
  write(writer);
  return writer.written().subarray(20).toString("hex");
}
const joined = (...lines: string[]): string => lines.join("").replaceAll(" ", "");

const TABLE = "1000 0100 6f70656e 73616e64 626f7800"; // opensandbox
const ACCEPT = joined(
  "3000 0180 0e00 0100 696d6d65 64696174 65000000", // immediate
  "1c00 0280 0800 0100 00000000 1000 0280 0c00 0280 0800 0100 00000001",
);

test("ct mark set 0x12345678 accept", () => {
  const chain = { table: "opensandbox", chain: "admit" };
  expect(
    hex((writer) =>
      appendGenerationRule(writer, 1, chain, { kind: "set", mark: 0x12345678, verdict: "accept" }),
    ),
  ).toBe(
    joined(
      TABLE,
      "0a00 0200 61646d69 74000000 8000 0480",
      "2c00 0180 0e00 0100 696d6d65 64696174 65000000", // immediate
      "1800 0280 0800 0100 00000001 0c00 0280 0800 0100 78563412",
      "2000 0180 0700 0100 63740000 1400 0280 0800 0200 00000003 0800 0400 00000001", // ct
      ACCEPT,
    ),
  );
});

test("ct state established ct mark 0x12345678 accept", () => {
  const chain = { table: "opensandbox", chain: "current" };
  expect(
    hex((writer) =>
      appendGenerationRule(writer, 1, chain, { kind: "established", mark: 0x12345678, verdict: "accept" }),
    ),
  ).toBe(
    joined(
      TABLE,
      "0c00 0200 63757272 656e7400 1001 0480",
      "2000 0180 0700 0100 63740000 1400 0280 0800 0200 00000000 0800 0100 00000001", // ct state
      "4400 0180 0c00 0100 62697477 69736500 3400 0280 0800 0100 00000001 0800 0200 00000001", // bitwise
      "0800 0300 00000004 0c00 0480 0800 0100 02000000 0c00 0580 0800 0100 00000000",
      "2c00 0180 0800 0100 636d7000 2000 0280 0800 0100 00000001 0800 0200 00000001", // cmp
      "0c00 0380 0800 0100 00000000",
      "2000 0180 0700 0100 63740000 1400 0280 0800 0200 00000003 0800 0100 00000001", // ct mark
      "2c00 0180 0800 0100 636d7000 2000 0280 0800 0100 00000001 0800 0200 00000000", // cmp
      "0c00 0380 0800 0100 78563412",
      ACCEPT,
    ),
  );
});

test("ct mark 0x12345678 goto pending", () => {
  const chain = { table: "opensandbox", chain: "unverified" };
  const rule = { kind: "match", mark: 0x12345678, verdict: "pending" } as const;
  expect(hex((writer) => appendGenerationRule(writer, 1, chain, rule))).toBe(
    joined(
      TABLE,
      "0f00 0200 756e7665 72696669 65640000 8c00 0480",
      "2000 0180 0700 0100 63740000 1400 0280 0800 0200 00000003 0800 0100 00000001", // ct mark
      "2c00 0180 0800 0100 636d7000 2000 0280 0800 0100 00000001 0800 0200 00000000", // cmp
      "0c00 0380 0800 0100 78563412",
      "3c00 0180 0e00 0100 696d6d65 64696174 65000000", // immediate
      "2800 0280 0800 0100 00000000 1c00 0280 1800 0280 0800 0100 fffffffc 0c00 0200 70656e64 696e6700",
    ),
  );
});

test("flush chain inet opensandbox admit", () => {
  const chain = { table: "opensandbox", chain: "admit" };
  expect(hex((writer) => flushChain(writer, 1, chain))).toBe(joined(TABLE, "0a00 0200 61646d69 74000000"));
});
