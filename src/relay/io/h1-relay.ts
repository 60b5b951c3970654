/**
 * HTTP/1.1 from a client to the origin behind its flow: one connection to each, requests one after the other.
 * The gate reads everything, and everything is written anew. Bodies go on as they come, with back-pressure
 * both ways.
 *
 * The origin's connection is opened for the first request and lives as long as the client's; if one ends, so
 * does the other, as without us. A client that ends its side while it waits for an answer counts as gone.
 */
import { createMessageReader } from "../gate/message-reader.ts";
import { refuse } from "../gate/refusal.ts";
import { answer, cut, cutAndTell, type H1Link } from "./h1-link.ts";
import { takeRequest, takeRequestData, takeRequestEnd } from "./h1-requests.ts";
import { endOfOrigin, takeResponse, takeResponseData, takeResponseEnd } from "./h1-responses.ts";
import { createHalf, type Half } from "./half.ts";
import { tellInSteps } from "./kept-octets.ts";
import { HEAD_MS, IDLE_MS, type RelayOptions, untilPrepared, usesGoneCredential } from "./options.ts";

/** What a client may send ahead before we stop reading. */
const MAX_AHEAD_OCTETS = 64 * 1024;
/** A head is kept while its request is under way, and so are its fields. */
const HEAD_COPIES = 2;

/** Resolves when the client's connection is closed, and the origin's with it. */
export function relayHttp1(options: RelayOptions): Promise<void> {
  const over = Promise.withResolvers<void>();
  let headTimer: NodeJS.Timeout | undefined;
  let isPreparing = false;
  const tellKept = tellInSteps(options.keeps);

  const link: H1Link = {
    options,
    client: createHalf(options.client, {
      octets: takeClientOctets,
      ended: endOfClient,
      closed: close,
      full: () => link.origin?.pause("peer-full"),
      drained() {
        link.origin?.resume("peer-full");
        weigh();
      },
    }),
    fromClient: createMessageReader({
      head(head) {
        clearTimeout(headTimer);
        headTimer = undefined;
        return takeRequest(link, head, openOrigin);
      },
      data: (octets) => takeRequestData(link, octets),
      end: (trailers) => takeRequestEnd(link, trailers),
      // In the middle of a body the origin has a part of it: nothing that it could take for a whole request
      // may follow.
      refused: (refusal) => answer(link, refusal, link.exchange?.admission.request),
    }),
    fromOrigin: createMessageReader({
      head: (head) => takeResponse(link, head),
      data: (octets) => takeResponseData(link, octets),
      end: (trailers) => takeResponseEnd(link, trailers),
      refused: ({ text }) =>
        answer(link, refuse(502, `the origin has sent ${text}`), link.exchange?.admission.request),
    }),
    abort: new AbortController(),
    origin: undefined,
    exchange: undefined,
    answered: 0,
    isUpgraded: false,
    readRequests,
    isOver: false,
  };
  options.client.setTimeout(IDLE_MS, () => cut(link));
  const unsubscribe = options.vault.subscribe((after) => {
    if (usesGoneCredential(link.exchange?.admission.binding, after))
      cutAndTell(link, "a credential that the request uses was deleted");
  });

  function takeClientOctets(octets: Buffer): void {
    if (link.isOver) return;
    if (link.isUpgraded) link.origin?.octets(octets);
    else {
      if (link.exchange === undefined) holdUntilPrepared();
      link.fromClient.feed(octets);
    }
    flushBoth();
    watchClient();
    weigh();
  }

  function readRequests(): void {
    if (!holdUntilPrepared()) link.fromClient.release();
  }

  /** Whether it is held: a head is read, and its request admitted, once all is made for that. */
  function holdUntilPrepared(): boolean {
    if (isPreparing) return true;
    const prepared = untilPrepared(options);
    if (prepared === undefined) return false;
    isPreparing = true;
    link.fromClient.hold();
    void readAfter(prepared);
    return true;
  }

  async function readAfter(prepared: Promise<void>): Promise<void> {
    await prepared;
    isPreparing = false;
    if (link.isOver) return;
    readRequests();
    flushBoth();
    link.client.resume("kept-enough");
    watchClient();
    weigh();
  }

  function endOfClient(): void {
    if (link.isUpgraded) link.origin?.end();
    else if (!link.isOver) cut(link);
  }

  /** A head that has begun has a time limit; a client that sends ahead is not read for ever. */
  function watchClient(): void {
    const kept = link.fromClient.kept();
    if (kept === 0 || link.isUpgraded) return;
    if (link.exchange === undefined) headTimer ??= setTimeout(() => cut(link), HEAD_MS);
    if ((link.exchange !== undefined || isPreparing) && kept > MAX_AHEAD_OCTETS)
      link.client.pause("kept-enough");
  }

  function takeOriginOctets(octets: Buffer): void {
    if (link.isOver) return;
    if (link.isUpgraded) takeResponseData(link, octets);
    else link.fromOrigin.feed(octets);
    flushBoth();
    weigh();
  }

  /** What of both sides waits here. */
  function weigh(): void {
    if (link.isOver) return;
    const { client, origin, fromClient, fromOrigin, exchange } = link;
    const heads = exchange === undefined ? 0 : HEAD_COPIES * fromClient.headOctets();
    tellKept(heads + fromClient.kept() + fromOrigin.kept() + client.kept() + (origin?.kept() ?? 0));
  }

  function flushBoth(): void {
    if (link.isOver) return;
    link.origin?.flush();
    link.client.flush();
  }

  async function openOrigin(): Promise<Half | undefined> {
    const { signal } = link.abort;
    const { socket } = await options.connectUpstream({ protocols: ["http/1.1"], signal });
    if (link.isOver) return void socket.destroy();
    const events = {
      octets: takeOriginOctets,
      ended() {
        endOfOrigin(link, true);
        flushBoth();
      },
      closed: () => endOfOrigin(link, false),
      full: () => link.client.pause("peer-full"),
      drained() {
        link.client.resume("peer-full");
        weigh();
      },
    };
    return createHalf(socket, events, { readsOn: true });
  }

  function close(): void {
    clearTimeout(headTimer);
    unsubscribe();
    cut(link);
    over.resolve();
  }

  return over.promise;
}
