import { expect, test } from "vitest";
import { awaitAcknowledgement } from "../../src/netlink/acknowledgement.ts";

/** What the kernel says of one message: nlmsghdr and an errno (`linux/netlink.h`). */
function reply(sequence: number, errno = 0): Buffer {
  const octets = Buffer.alloc(20);
  octets.writeUInt32LE(20, 0);
  octets.writeUInt16LE(2, 4);
  octets.writeUInt32LE(sequence, 8);
  octets.writeInt32LE(-errno, 16);
  return octets;
}

/** Waits for message 9; gives what was left unread. */
function wait(...datagrams: Buffer[]): readonly Buffer[] {
  awaitAcknowledgement(() => datagrams.shift(), 9);
  return datagrams;
}

test("the acknowledgement of the last message is all that is read of a batch in force", () => {
  expect(wait(reply(9))).toEqual([]);
  expect(wait(reply(8), reply(9), reply(10))).toEqual([reply(10)]);
});

test.each([
  ["an error of an earlier message, with the last one acknowledged", [reply(7, 2), reply(9)], "ENOENT"],
  ["an error of the last message", [reply(9, 17)], "EEXIST"],
  ["a commit that failed, told of the batch's own message", [reply(5, 12), reply(9)], "ENOMEM"],
  ["no acknowledgement", [], "EIO"],
  ["an acknowledgement of another batch", [reply(4)], "EIO"],
])("%s is a refusal, and nothing of it stays unread", (_, datagrams, code) => {
  const left = [...datagrams];
  const refused = (): void => awaitAcknowledgement(() => left.shift(), 9);
  expect(refused).toThrow(expect.objectContaining({ code }));
  expect(left).toEqual([]);
});
