/**
 * The kernel's sets of learned addresses, written straight over netlink: one batch and one round trip of some
 * tens of microseconds, whatever the policy's size. An element's comment holds the names that gave the
 * address. So `nft list table inet opensandbox` shows them, and a restarted sidecar reads them back: the
 * kernel is the state file.
 *
 * It never touches the static sets or the rules: nft(8) replaces those as a whole. Known limit: while another
 * process holds the kernel's nftables commit lock (an `nft -f` of 100,000 prefixes), `commit` waits for it.
 */
import { TABLE } from "../kernel-names.ts";
import { NETLINK_NETFILTER } from "../../netlink/constants.ts";
import { awaitAcknowledgement } from "../../netlink/acknowledgement.ts";
import { NetlinkError } from "../../netlink/errors.ts";
import { dumpSet } from "./dump-set.ts";
import { isKernelAtLeast } from "../../sys/kernel-version.ts";
import { openRequestSocket } from "../../sys/netlink-socket.ts";
import { createNetlinkWriter } from "../../netlink/writer.ts";
import { LearnedSetError } from "../errors.ts";
import type { FlowElement, HeldElement, HeldFlowElement, LearnedSet } from "../learned-set.ts";
import type { Action } from "../../policy/rule.ts";
import { createElementLists } from "../wire/element-lists.ts";
import { encodeFlowRange, readFlowElement } from "../wire/flow-key.ts";
import { beginBatch, endBatch, MAX_COMMENT_OCTETS, type SetName } from "../wire/set-element.ts";

/** It has room for a batch of sixty-four of the largest answers. */
const BUFFER_OCTETS = 8 << 20;
const V4: SetName = { table: TABLE, set: "dyn_allow_v4" };
const V6: SetName = { table: TABLE, set: "dyn_allow_v6" };
const REVOKED_V4: SetName = { table: TABLE, set: "revoked_v4" };
const REVOKED_V6: SetName = { table: TABLE, set: "revoked_v6" };
const PIECES = {
  allow: { 4: { table: TABLE, set: "dyn_allow_ports_v4" }, 6: { table: TABLE, set: "dyn_allow_ports_v6" } },
  deny: { 4: { table: TABLE, set: "dyn_deny_ports_v4" }, 6: { table: TABLE, set: "dyn_deny_ports_v6" } },
} as const;
const piecesSetOf = (key: Uint8Array, { verdict }: FlowElement): SetName =>
  PIECES[verdict][key.length === 4 ? 4 : 6];
const setOf = (key: Uint8Array): SetName => (key.length === 4 ? V4 : V6);
const revokedSetOf = (key: Uint8Array): SetName => (key.length === 4 ? REVOKED_V4 : REVOKED_V6);

/**
 * Opens it in the current network namespace. Throws SystemCallError. `canDestroy`: whether the kernel can
 * delete elements that may not be there. The caller derives it from the kernel's version: a kernel that is
 * asked waits 12 ms before it says no.
 */
export function openLearnedSet(bufferOctets = BUFFER_OCTETS, canDestroy = isKernelAtLeast(6, 3)): LearnedSet {
  const socket = openRequestSocket(NETLINK_NETFILTER, { bufferOctets });
  const writer = createNetlinkWriter();
  let sequence = 1;
  let messages = 0;
  const next = (): number => {
    if (messages++ === 0) beginBatch(writer, sequence);
    sequence = (sequence + 1) >>> 0;
    return sequence;
  };
  const lists = createElementLists(writer, next);
  function addTo(target: SetName, key: Uint8Array, timeoutMs: number, comment: string): void {
    lists.add(target, { key, timeoutMs, comment: fitting(comment) });
  }
  /** Before Linux 6.3 deleting what is not there fails the batch, so it is added first. */
  function removeFrom(set: SetName, key: Uint8Array): void {
    if (canDestroy) {
      lists.destroy(set, key);
      return;
    }
    lists.add(set, { key, timeoutMs: 1000, comment: "" });
    lists.delete(set, key);
  }
  function removePiece(key: Uint8Array, element: FlowElement): void {
    const set = piecesSetOf(key, element);
    const range = encodeFlowRange(key, key, element.piece);
    // If it were added first, as above, an element could overlap with the one that is there. Only an expired
    // one may be missing.
    if (canDestroy) lists.destroy(set, range.key, range.keyEnd);
    else {
      lists.add(set, { ...range, timeoutMs: 1000, comment: "" });
      lists.delete(set, range.key, range.keyEnd);
    }
  }
  function discard(): void {
    writer.reset();
    lists.reset();
    messages = 0;
  }

  /** An older kernel ignores the add of an element that is there, timeout included. */
  function refreshIn(target: SetName, key: Uint8Array, timeoutMs: number, comment: string): void {
    removeFrom(target, key);
    addTo(target, key, timeoutMs, comment);
  }
  /** Another version may have left the set with another kind of key, or not at all. */
  function* dump(set: SetName, keyOctets: number): Generator<readonly HeldElement[], void, undefined> {
    discard();
    try {
      for (const part of dumpSet(socket, writer, ++sequence, set))
        yield part.filter(({ key }) => key.length === keyOctets);
    } catch (error) {
      if (error instanceof NetlinkError && error.code === "ENOENT") return;
      throw toLearnedSetError(error);
    }
  }

  function dumpPieces(family: 4 | 6, verdict: Action): readonly HeldFlowElement[] | undefined {
    discard();
    try {
      const held = [...dumpSet(socket, writer, ++sequence, PIECES[verdict][family])].flat();
      return held.flatMap(({ key, keyEnd, ...rest }) => {
        const read = readFlowElement(family === 4 ? 4 : 16, key, keyEnd);
        return read === undefined ? [] : [{ ...rest, key: read.address, piece: read.piece }];
      });
    } catch (error) {
      if (error instanceof NetlinkError && error.code === "ENOENT") return undefined;
      throw toLearnedSetError(error);
    }
  }

  return {
    port: socket.port,
    add: (key, timeoutMs, comment) => addTo(setOf(key), key, timeoutMs, comment),
    refresh: (key, timeoutMs, comment) => refreshIn(setOf(key), key, timeoutMs, comment),
    remove: (key) => removeFrom(setOf(key), key),
    revoke: (key, timeoutMs, comment) => refreshIn(revokedSetOf(key), key, timeoutMs, comment),
    unrevoke: (key) => removeFrom(revokedSetOf(key), key),
    addPiece: (key, element, timeoutMs, comment) =>
      lists.add(piecesSetOf(key, element), {
        ...encodeFlowRange(key, key, element.piece),
        timeoutMs,
        comment: fitting(comment),
      }),
    removePiece,
    discard,
    commit() {
      if (messages === 0) return;
      lists.close();
      const expected = sequence;
      endBatch(writer, sequence + 1);
      try {
        socket.send(writer.buffer(), writer.length());
        awaitAcknowledgement(socket.receive, expected);
      } catch (error) {
        throw toLearnedSetError(error);
      } finally {
        discard();
      }
    },
    dump: (family) => (family === 4 ? dump(V4, 4) : dump(V6, 16)),
    dumpRevoked: (family) => (family === 4 ? dump(REVOKED_V4, 4) : dump(REVOKED_V6, 16)),
    dumpPieces,
    close: socket.close,
  };
}

/** Empty if it is too long for an element. */
function fitting(comment: string): string {
  return comment.length > MAX_COMMENT_OCTETS ? "" : comment;
}

function toLearnedSetError(error: unknown): unknown {
  return error instanceof NetlinkError ? new LearnedSetError(error.code, { cause: error }) : error;
}
