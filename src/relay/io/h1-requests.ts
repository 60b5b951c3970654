import { admit } from "../admit.ts";
import { createBodyWriter, framingAfter } from "../body-writer.ts";
import type { Field } from "../gate/field.ts";
import type { Framing } from "../gate/framing.ts";
import type { Head } from "../gate/head.ts";
import { type GatedRequest, gateRequest } from "../gate/request.ts";
import { SCHEME_PORTS } from "../../vault/binding.ts";
import { writeRequestHead } from "../gate/write-head.ts";
import { trailersOut } from "../pass-trailers.ts";
import { beginExchange, type Exchange } from "./exchange.ts";
import { answer, cutAndTell, type H1Link } from "./h1-link.ts";
import type { Half } from "./half.ts";
import { tellInjected, untilPrepared } from "./options.ts";
import { toRefusal } from "./upstream-refusal.ts";

/** `open` makes the origin's half of a connection. */
export function takeRequest(
  link: H1Link,
  head: Head,
  open: (link: H1Link) => Promise<Half | undefined>,
): Framing | undefined {
  const request = gateRequest(head, link.options.flow.scheme);
  if (request.kind === "refused") return answer(link, request, undefined);
  const exchange = judge(link, request);
  if (exchange === undefined) return undefined;
  if (link.origin === undefined) void openAndSend(link, exchange, open);
  else sendHead(link, exchange, link.origin);
  return request.framing;
}

/** Undefined if it was refused, which is answered. */
function judge(link: H1Link, request: GatedRequest): Exchange | undefined {
  const { flow, vault, rules, findChange } = link.options;
  const judgedBy = { vault: vault.inForce(), rules: rules?.revision() };
  const admission = admit(request, { flow, vault: judgedBy.vault, rules, findChange });
  if (admission.kind === "refused") return answer(link, admission, request);
  link.exchange = beginExchange(admission, { asked: request, judgedBy });
  return link.exchange;
}

/** What waited for the origin goes by the vault and the rules as they are when it goes out. */
function judgeAgain(link: H1Link, exchange: Exchange): Exchange | undefined {
  const { vault, rules } = link.options;
  const { judgedBy } = exchange;
  if (vault.inForce() === judgedBy.vault && rules?.revision() === judgedBy.rules) return exchange;
  const next = judge(link, exchange.asked);
  if (next !== undefined) next.isRead = exchange.isRead;
  return next;
}

/** An origin that speaks first is not listened to meanwhile. */
async function paused(origin: Half, until: Promise<void>): Promise<void> {
  origin.pause("kept-enough");
  await until;
  origin.resume("kept-enough");
}

/** We do not read the client meanwhile: its connection fills up. */
async function openAndSend(
  link: H1Link,
  exchange: Exchange,
  open: (link: H1Link) => Promise<Half | undefined>,
): Promise<void> {
  link.fromClient.hold();
  try {
    const origin = await open(link);
    if (origin === undefined || link.isOver) return;
    link.origin = origin;
    const prepared = untilPrepared(link.options);
    if (prepared !== undefined) await paused(origin, prepared);
    const current = link.isOver ? undefined : judgeAgain(link, exchange);
    if (current === undefined) return;
    sendHead(link, current, origin);
    if (current.isRead) finishRequest(link, current, []);
    else link.fromClient.release();
    link.client.resume("kept-enough");
    origin.flush();
  } catch (error) {
    answer(link, toRefusal(error), exchange.admission.request);
  }
}

function sendHead(link: H1Link, exchange: Exchange, origin: Half): void {
  const { admission } = exchange;
  const { request, body } = admission;
  const framing = framingAfter(request.framing, body);
  origin.text(writeRequestHead(request, { host: hostText(link), framing }));
  exchange.bodyOut = createBodyWriter(framing, origin, body);
  tellInjected(link.options, admission);
}

function hostText({ options: { flow } }: H1Link): string {
  const { port } = flow.destination;
  return port === SCHEME_PORTS[flow.scheme] ? flow.name : `${flow.name}:${port}`;
}

export function takeRequestData(link: H1Link, octets: Buffer): void {
  const refused = link.exchange?.bodyOut?.data(octets);
  if (refused !== undefined) cutAndTell(link, refused.text);
}

/** What comes next is read once the response is out. */
export function takeRequestEnd(link: H1Link, trailers: readonly Field[]): void {
  const { exchange } = link;
  if (exchange === undefined) return;
  exchange.isRead = true;
  link.fromClient.hold();
  if (exchange.bodyOut !== undefined) finishRequest(link, exchange, trailers);
}

function finishRequest(link: H1Link, exchange: Exchange, trailers: readonly Field[]): void {
  const { admission } = exchange;
  const passed = admission.request.takesTrailers ? trailersOut(admission, trailers) : [];
  if ("kind" in passed) return cutAndTell(link, passed.text);
  const refused = exchange.bodyOut?.end(passed);
  if (refused !== undefined) return cutAndTell(link, refused.text);
  exchange.isSent = true;
}
