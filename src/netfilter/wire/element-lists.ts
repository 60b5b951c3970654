/**
 * Set elements written as lists: those that are added to one set one after the other share a message, and so
 * do those that leave it. The kernel finds table and set once a message, which is a quarter of what an
 * element costs. Order is kept.
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
  /** Deletes the element; the kernel refuses the whole batch (ENOENT) when it is not there. */
  delete(set: SetName, key: Uint8Array, keyEnd?: Uint8Array): void;
  /** Deletes the element where it is there. Before Linux 6.3 the kernel refuses the whole batch (EINVAL). */
  destroy(set: SetName, key: Uint8Array, keyEnd?: Uint8Array): void;
  /** Ends the list that is open, if one is: other messages may be written. */
  close(): void;
  /** Forgets that one is open: the writer has been reset. */
  reset(): void;
}

/** `next` gives each message its sequence. Sets are told apart by their object. */
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
