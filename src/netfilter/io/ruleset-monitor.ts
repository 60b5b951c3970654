/**
 * Notices that somebody else has changed our tables. The kernel reports each transaction and who made it; we
 * know our own by the netlink ports that they come from. Others' changes of their own tables do not concern
 * us.
 *
 * Listening costs: for each learned address the kernel writes a message, whether we read it or not (1 to 2
 * us, a third more). So nobody listens while a ruleset of ours is loaded, nor under a flood of learned
 * addresses. The kernel's count of transactions is then compared with ours. Any surplus is somebody else's,
 * in tables that we do not know, so it is reported as if they were ours. The counts are compared while it
 * listens, too: an event that did not come is noticed within two seconds.
 */
import { NETLINK_NETFILTER } from "../../netlink/constants.ts";
import { SystemCallError } from "../../sys/errors.ts";
import { openNetlinkSocket, type NetlinkSocket } from "../../sys/netlink-socket.ts";
import { KernelError } from "../errors.ts";
import { createForeignChanges, type ForeignChange } from "../foreign-change.ts";
import { readReplies } from "../../netlink/reader.ts";
import { NFNLGRP_NFTABLES, readObjectEvent, readTransactionEvent } from "../wire/ruleset-event.ts";
import { createUnheard } from "../unheard.ts";
import { openEventSocket } from "./event-socket.ts";
import { openTransactionCount } from "./transaction-count.ts";

/** Room for the events of some thousand elements. We know of what does not fit that it is missing. */
const BUFFER_OCTETS = 2 << 20;
/** How often it compares the counts while nobody listens, and checks the load. */
const TICK_MS = 250;
/** Transactions of ours in a tick that make listening too dear. */
const FLOOD = 125;
/** Ticks between checks for events that did not come although it listens. */
const TICKS_OF_LOOK = 4;
/**
 * A minute in ticks: once somebody else has changed something during a flood, it listens for so long,
 * whatever that costs.
 */
const TICKS_OF_CARE = 240;

export interface RulesetMonitorOptions {
  /** Netlink ports whose transactions are our own. */
  readonly ownPorts: readonly number[];
  /** How many transactions these ports have made so far. */
  readonly ownTransactions: () => number;
  /**
   * Called for each transaction of others that touched our tables. Never called while `whileApplying` runs.
   */
  readonly onForeignChange: (change: ForeignChange) => void;
}

export interface RulesetMonitor {
  /**
   * Runs a function that makes one transaction of our own through nft(8) or over netlink; none if it throws.
   * One at a time.
   */
  whileApplying<T>(change: () => Promise<T>): Promise<T>;
  /**
   * Why changes were missed since the last call; call it once a second. They have been reported by then.
   * Throws SystemCallError.
   */
  fault(): string | undefined;
  /** From then on `whileApplying` only runs what it is given. */
  close(): void;
}

/** Opens it in the current network namespace. Throws SystemCallError. */
export function openRulesetMonitor(options: RulesetMonitorOptions): RulesetMonitor {
  const { ownTransactions, onForeignChange } = options;
  const count = openTransactionCount(ownTransactions);
  const changes = createForeignChanges();
  let isApplying = false;
  let isClosed = false;
  let isListening = true;
  let ownBefore = ownTransactions();
  let careTicks = 0;
  let refusal: string | undefined;
  const unheard = createUnheard();
  let ticks = 0;

  function open(): NetlinkSocket {
    const socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: BUFFER_OCTETS });
    socket.ignorePorts(options.ownPorts);
    if (isListening) socket.join(NFNLGRP_NFTABLES);
    return socket;
  }
  function tell(found: readonly ForeignChange[]): void {
    for (const change of found) onForeignChange(change);
  }
  function listen(): void {
    events.current().join(NFNLGRP_NFTABLES);
    isListening = true;
  }
  /**
   * Reads first what has come until now: it does not belong to the count that begins. Returns whether all
   * events came.
   */
  function look(): boolean {
    const { found, numbers, isWhole } = readEvents(events.current(), changes);
    for (const number of numbers) unheard.hear(number);
    tell(found);
    return isWhole;
  }
  /** Events that come during a load are counted after it. */
  function onEvents(hasFailed: boolean): void {
    if (isApplying) return;
    if (look() && hasFailed) tell([MISSED]);
  }
  function stopListening(): void {
    events.current().leave(NFNLGRP_NFTABLES);
    isListening = false;
    look();
  }
  function lookForUnheard(): void {
    const others = count.others();
    // Whatever was lost by now has been reported.
    if (!look()) unheard.begin(count.counted());
    else if (unheard.look(others, count.counted()) > 0) tell([UNHEARD]);
  }

  function lookAgain(made: number): void {
    listen();
    if (count.others() > made) tell([UNSEEN]);
    unheard.begin(count.counted());
    look();
  }

  const events = openEventSocket(open, onEvents);
  events.unref();
  count.begin();
  unheard.begin(count.counted());

  function tick(): void {
    const own = ownTransactions();
    const isFlood = own - ownBefore > FLOOD;
    ownBefore = own;
    if (isApplying) return;
    careTicks = Math.max(0, careTicks - 1);
    if (isListening) {
      ticks += 1;
      const isTooDear = isFlood && careTicks === 0;
      if (isTooDear || ticks % TICKS_OF_LOOK === 0) lookForUnheard();
      if (isTooDear) stopListening();
      return;
    }
    const hasForeign = count.others() > 0;
    if (hasForeign) careTicks = TICKS_OF_CARE;
    if (hasForeign || !isFlood) listen();
    // Transactions after the count and before it listened are counted now.
    if (hasForeign || (isListening && count.others() > 0)) tell([UNSEEN]);
    unheard.begin(count.counted());
  }
  /**
   * If the kernel refuses something, nobody knows what has changed: it counts as ours, and the next tick
   * tries again.
   */
  const timer = setInterval(() => {
    try {
      tick();
      refusal = undefined;
    } catch (error) {
      if (!(error instanceof SystemCallError || error instanceof KernelError)) throw error;
      refusal = error.message;
      tell([MISSED]);
    }
  }, TICK_MS);
  timer.unref();

  return {
    async whileApplying(change) {
      if (isClosed) return change();
      if (isListening) {
        count.begin();
        stopListening();
      }
      isApplying = true;
      let made = 1;
      try {
        return await change();
      } catch (error) {
        // If nft(8) was cut off, the transaction may have happened.
        made = error instanceof KernelError && error.code === "timed-out" ? 1 : 0;
        throw error;
      } finally {
        isApplying = false;
        if (!isClosed) lookAgain(made);
      }
    },
    fault: () => events.fault() ?? refusal,
    close() {
      isClosed = true;
      clearInterval(timer);
      events.close();
      count.close();
    },
  };
}

const UNSEEN: ForeignChange = { found: ["something changed while a load was under way"], by: [] };
const UNHEARD: ForeignChange = { found: ["something changed that was not told"], by: [] };
const MISSED: ForeignChange = { found: ["more changes than could be told"], by: [] };

interface ReadEvents {
  readonly found: readonly ForeignChange[];
  /** Of all transactions whose events came. */
  readonly numbers: readonly number[];
  readonly isWhole: boolean;
}

function readEvents(socket: NetlinkSocket, changes: ReturnType<typeof createForeignChanges>): ReadEvents {
  const found: ForeignChange[] = [];
  const numbers: number[] = [];
  let isWhole = true;
  for (;;) {
    try {
      for (let datagram = socket.receive(); datagram; datagram = socket.receive()) {
        for (const reply of readReplies(datagram)) {
          if (reply.kind !== "message") continue;
          const object = readObjectEvent(reply.type, reply.payload);
          if (object) changes.add(object);
          const transaction = readTransactionEvent(reply.type, reply.payload);
          if (transaction === undefined) continue;
          numbers.push(transaction.number);
          const change = changes.end(transaction);
          if (change) found.push(change);
        }
      }
      return { found, numbers, isWhole };
    } catch (error) {
      if (!(error instanceof SystemCallError) || error.code !== "ENOBUFS") throw error;
      found.push(MISSED);
      isWhole = false;
    }
  }
}
