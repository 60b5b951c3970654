/**
 * Set elements written as lists. Those that are added to one set in a row share a message, and so do those
 * that leave it. The kernel looks up table and set once a message, which is a quarter of what an element
 * costs. The order is kept.
 */
import type { NetlinkWriter } from "../../netlink/writer.ts";
import {
  NFT_MSG_DELSETELEM,
  NFT_MSG_DESTROYSETELEM,
  NFT_MSG_NEWSETELEM,
  beginElements,
  endElements,
  writeElement,
  writeKeyOnly,
  type SetName,
  type TimedElement,
} from "./set-element.ts";

/** A list is one attribute, and its length has 16 bits. An element is below 400 octets. */
const MAX_LIST_OCTETS = 60_000;

export interface ElementLists {
  /** Adds the element; one that is there already stays as it is, timeout included. */
  add(set: SetName, element: TimedElement): void;
  /** Deletes the element; the kernel refuses the whole batch (ENOENT) if it is not there. */
  delete(set: SetName, key: Uint8Array, keyEnd?: Uint8Array): void;
  /** Deletes the element if it is there. Before Linux 6.3 the kernel refuses the whole batch (EINVAL). */
  destroy(set: SetName, key: Uint8Array, keyEnd?: Uint8Array): void;
  /** Ends the open list, if there is one: the caller may then write other messages. */
  close(): void;
  /** Forgets the open list: the writer has been reset. */
  reset(): void;
}

/** `next` gives each message its sequence number. Sets are compared as objects. */
export function createElementLists(writer: NetlinkWriter, next: () => number): ElementLists {
  /** 0: no list is open. */
  let openType = 0;
  let openSet: SetName | undefined;
  let openedAt = 0;

  function open(type: number, set: SetName): void {
    if (type === openType && set === openSet && writer.length() - openedAt < MAX_LIST_OCTETS) return;
    close();
    openedAt = beginElements(writer, type, next(), set);
    openType = type;
    openSet = set;
  }

  function close(): void {
    if (openType === 0) return;
    endElements(writer, openedAt);
    openType = 0;
  }

  return {
    add(set, element) {
      open(NFT_MSG_NEWSETELEM, set);
      writeElement(writer, element);
    },
    delete(set, key, keyEnd) {
      open(NFT_MSG_DELSETELEM, set);
      writeKeyOnly(writer, key, keyEnd);
    },
    destroy(set, key, keyEnd) {
      open(NFT_MSG_DESTROYSETELEM, set);
      writeKeyOnly(writer, key, keyEnd);
    },
    close,
    reset() {
      openType = 0;
    },
  };
}
