import { isIP } from "node:net";
import { isSpecialAddress } from "../../../src/dns/answer/special-address.ts";
import { encodeHostQuery, readHostAnswer } from "../../../src/outbound/host-message.ts";
import { parseAddress } from "../../../src/policy/address.ts";
import { qname } from "../../support/policy.ts";
import { answerWith, readAligned } from "../engine/dns-messages.ts";
import { plainChecker, readAnywhere, type Target } from "../engine/target.ts";
import { answer } from "./answer.ts";

const QUERY = encodeHostQuery(qname("a.example.org"), 1, 7);

/**
 * The answer about a host of our own, an input as for `answer`: addresses are whole, not special, and those
 * that dns-packet reads there.
 */
export const hostMessage: Target = {
  name: "host-message",
  seeds: "answer",
  make: answer.make,
  open: async () => plainChecker(check),
};

function check(input: Buffer): string {
  const message = answerWith(QUERY.message, QUERY.questionOctets, input);
  const read = readAnywhere(
    message,
    (octets, start, end) => readHostAnswer(octets.subarray(start, end), QUERY) ?? "nothing",
  );
  if (typeof read === "string") return read;
  const decoded = readAligned(message)?.answers?.map((record) => (record.type === "A" ? record.data : ""));
  if (!(read.ttlSeconds >= 0)) throw new Error(`holds for ${read.ttlSeconds} s`);
  for (const address of read.addresses) {
    const parsed = parseAddress(address);
    if (!parsed.ok || isIP(address) !== 4 || isSpecialAddress(parsed.value.octets, 0, 4))
      throw new Error(`leads to ${address}`);
    if (decoded !== undefined && !decoded.includes(address))
      throw new Error(`${address} is not what dns-packet reads`);
  }
  return read.addresses.length === 0 ? "no address" : "addresses";
}
