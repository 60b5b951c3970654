import { createBodyWriter, framingAfter } from "../body-writer.ts";
import type { Field } from "../gate/field.ts";
import { type Framing, NO_BODY, UNTIL_CLOSE } from "../gate/framing.ts";
import type { Head } from "../gate/head.ts";
import { refuse } from "../gate/refusal.ts";
import { gateResponse, type GatedResponse } from "../gate/response.ts";
import { writeResponseHead } from "../gate/write-head.ts";
import { trailersBack } from "../pass-trailers.ts";
import type { BodyChange } from "../ports.ts";
import type { Exchange } from "./exchange.ts";
import { answer, cutAndTell, finish, type H1Link, settle } from "./h1-link.ts";

/** A response that nobody has asked for ends everything: it would count as the next request's. */
export function takeResponse(link: H1Link, head: Head): Framing | undefined {
  const { exchange } = link;
  if (exchange?.bodyOut === undefined || exchange.isAnswered)
    return cutAndTell(link, "the origin has answered before it was asked");
  const { request, change } = exchange.admission;
  const gated = gateResponse(head, request);
  if (gated.kind === "refused") return answer(link, gated, request);
  const changed = change?.response(gated) ?? { response: gated, body: undefined };
  if ("kind" in changed) return answer(link, changed, request);
  const { response, body } = changed;
  if (response.status === 101) return upgrade(link, exchange, response);
  return response.status < 200
    ? passInterim(link, exchange, response)
    : pass(link, exchange, { response, body });
}

function passInterim({ client }: H1Link, exchange: Exchange, response: GatedResponse): Framing {
  exchange.isInterim = true;
  if (!exchange.admission.request.isOld)
    client.text(writeResponseHead(response, { framing: NO_BODY, closes: false }));
  return NO_BODY;
}

function pass(
  { client }: H1Link,
  exchange: Exchange,
  { response, body }: { readonly response: GatedResponse; readonly body: BodyChange | undefined },
): Framing {
  const { request } = exchange.admission;
  // If the origin does not read the body, what follows over its connection is no request of its own.
  const mayStand = !exchange.isSent || exchange.bodyOut?.isRequestLike() === true;
  exchange.closes ||= !response.keepsAlive || mayStand;
  const framing = framingBack(framingAfter(response.framing, body), request.isOld);
  client.text(writeResponseHead(response, { framing, closes: exchange.closes }));
  exchange.bodyBack = createBodyWriter(framing, client, body);
  return response.framing;
}

function framingBack(framing: Framing, isOld: boolean): Framing {
  return isOld && framing.kind === "chunked" ? UNTIL_CLOSE : framing;
}

/** From here on octets pass as they are, including those that the client sent early. */
function upgrade(link: H1Link, exchange: Exchange, response: GatedResponse): undefined {
  const { client, origin, fromClient, fromOrigin } = link;
  client.text(writeResponseHead(response, { framing: NO_BODY, closes: false }));
  exchange.bodyBack = createBodyWriter(UNTIL_CLOSE, client, exchange.admission.change?.upgraded());
  link.isUpgraded = true;
  const [early, late] = [fromClient.takeRest(), fromOrigin.takeRest()];
  client.resume("kept-enough");
  if (early.length > 0) origin?.octets(early);
  if (late.length > 0) takeResponseData(link, late);
}

export function takeResponseData(link: H1Link, octets: Buffer): void {
  const refused = link.exchange?.bodyBack?.data(octets);
  if (refused !== undefined) cutAndTell(link, refused.text);
}

export function takeResponseEnd(link: H1Link, trailers: readonly Field[]): void {
  const { exchange } = link;
  if (exchange === undefined) return;
  if (exchange.isInterim) {
    exchange.isInterim = false;
    return;
  }
  const { admission } = exchange;
  const refused = exchange.bodyBack?.end(
    admission.request.takesTrailers ? trailersBack(admission, trailers) : [],
  );
  if (refused !== undefined) return cutAndTell(link, refused.text);
  exchange.isAnswered = true;
  settle(link);
}

/** The origin's side is over: cleanly if it has ended it, in the middle of a response or not. */
export function endOfOrigin(link: H1Link, isClean: boolean): void {
  if (link.isOver) return;
  const { exchange, fromOrigin } = link;
  if (link.isUpgraded)
    return isClean ? endUpgraded(link) : cutAndTell(link, "the origin's connection was lost");
  if (exchange === undefined) return finish(link);
  exchange.closes = true;
  // A body may end so: all is over then.
  if (isClean) fromOrigin.finish();
  if (link.isOver) return;
  // The client need not send the rest of its request.
  if (exchange.isAnswered) return finish(link);
  const { request } = exchange.admission;
  // A kept connection may end while a request is on its way. The client sees the same, and repeats the
  // request if it may.
  if (exchange.bodyBack !== undefined)
    cutAndTell(link, "the origin's connection has ended in the middle of a response");
  else if (link.answered > 0) cutAndTell(link, UNANSWERED);
  else answer(link, refuse(502, link.origin?.fault() ?? UNANSWERED), request);
}

const UNANSWERED = "the origin has closed the connection without an answer";

function endUpgraded(link: H1Link): void {
  const refused = link.exchange?.bodyBack?.end([]);
  if (refused === undefined) finish(link);
  else cutAndTell(link, refused.text);
}
