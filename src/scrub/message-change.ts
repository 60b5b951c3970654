/**
 * What the relay does to the messages of a bound host: placeholders are filled on the way out, and refused
 * where they have no place; secrets of every binding of that host are taken out on the way back, whichever of
 * them the request had.
 */
import { type Field, makeField } from "../relay/gate/field.ts";
import { isBodiless } from "../relay/gate/framing.ts";
import { refuse, type Refusal } from "../relay/gate/refusal.ts";
import type { GatedRequest } from "../relay/gate/request.ts";
import type { GatedResponse } from "../relay/gate/response.ts";
import type {
  BodyChange,
  ChangedRequest,
  ChangedResponse,
  FindChange,
  MessageChange,
} from "../relay/ports.ts";
import type { DomainName } from "../policy/domain-name.ts";
import type { TakeSteps } from "../policy/steps.ts";
import type { VaultInForce } from "../vault/vault-in-force.ts";
import { createCurrentRedactor } from "./current-redactor.ts";
import { createPreparedVaults, MOST_OCTETS } from "./prepared-vault.ts";
import type { RedactedStream } from "./redacted-stream.ts";
import { createRedactor, type Redactor } from "./redactor.ts";
import type { RequestFiller } from "./request-filler.ts";
import { type BodyPlan, planBody, REQUEST_CODINGS } from "./response-body.ts";
import type { Substituter } from "./substituter.ts";

/**
 * Called for each placeholder in a place where none is filled: `place` in words, never with the placeholder.
 */
export type OnMisplaced = (host: string, place: string) => void;

/**
 * What is made for a change of the vault is made when the first request needs it: by `prepare` in steps, by
 * `takeSteps`; without that, or if nobody has called it, at once.
 */
export function createFindChange(
  onMisplaced: OnMisplaced = () => undefined,
  takeSteps?: TakeSteps,
): FindChange {
  const current = createPreparedVaults();
  let queue: Promise<unknown> = Promise.resolve();

  function find({ host, binding, vault }: Parameters<FindChange>[0]): MessageChange | undefined {
    const prepared = current.of(vault);
    const first = prepared.redactorOf(host);
    if (first === undefined) return undefined;
    if (first === "too large") return REFUSING;
    const now = current.follow(host, prepared, first);
    return createChange(prepared.fillerOf(binding), createCurrentRedactor(first, now), (place, remedy) => {
      onMisplaced(host, place);
      return refuseMisplaced(place, binding === undefined ? UNBOUND : remedy);
    });
  }

  /** One after the other: each gets its slices of a turn. */
  function prepare(host: DomainName, vault: VaultInForce): Promise<void> | undefined {
    const prepared = current.of(vault);
    if (takeSteps === undefined || prepared.isReady(host)) return undefined;
    const made = takeAfter(queue, () =>
      // The vault may have changed again.
      current.isOf(vault) ? takeSteps(prepared.prepareSteps(host)) : undefined,
    );
    queue = made.catch(() => undefined); // whoever waits for it gets the error
    return made;
  }

  return Object.assign(find, { prepare });
}

async function takeAfter(earlier: Promise<unknown>, take: () => Promise<void> | undefined): Promise<void> {
  await earlier;
  await take();
}

function refuseMisplaced(place: string, remedy = ""): Refusal {
  return refuse(403, `a secret's placeholder is in ${place}, which is not filled${remedy}`);
}

/** For a header that may be the host's own credential, or one that it keeps, shows or hands on to others. */
const NAME_THE_HEADER =
  ": hosts may keep, show or hand on what is in it. If this host takes its credential there, name the " +
  "header: --secret NAME@HOST:HEADER, or customHeaders of a binding";

const UNBOUND = ": no binding of this host is for the request's method and path";

/** For a host whose secrets are over the bound: nothing goes out, so nothing of them comes back. */
const REFUSING: MessageChange = {
  ...createChange(undefined, createRedactor([]), refuseMisplaced),
  request: () => refuse(503, `the vault's credentials are over ${MOST_OCTETS} octets for the hosts in use`),
};

/**
 * What becomes of a request with a placeholder in that place. The placeholder is not told: it may be a secret
 * that was put into the wrong place.
 */
type Misplace = (place: string, remedy?: string) => Refusal;

function createChange(
  filler: RequestFiller | undefined,
  redactor: Redactor,
  misplaced: Misplace,
): MessageChange {
  return {
    request(request) {
      const asked = { ...request, fields: askForPlain(request) };
      return filler === undefined
        ? { kind: "changed", request: asked, filled: new Set(), body: undefined }
        : fillRequest(asked, filler, misplaced);
    },
    requestTrailers(trailers) {
      const texts = trailers.flatMap(({ name, value }) => [name, value]);
      const isHeld = texts.some((text) => filler?.nowhere(text).misplaced !== undefined);
      return isHeld ? misplaced("a trailer") : undefined;
    },
    response: (response) => changeResponse(response, redactor),
    responseTrailers: (trailers) => redactFields(trailers, redactor),
    upgraded: () => toChange(redactor.openStream("stars", { frames: "websocket" }), true),
  };
}

function fillRequest(
  request: GatedRequest,
  filler: RequestFiller,
  misplacedIn: Misplace,
): ChangedRequest | Refusal {
  const [path = "", ...query] = request.target.split("?");
  const target = filler.path(path);
  const asked = query.length === 0 ? undefined : filler.query(query.join("?"));
  if (target.misplaced !== undefined) return misplacedIn("the path");
  if (asked?.misplaced !== undefined) return misplacedIn("the query");
  const filled = new Set<string>();
  if (target.count + (asked?.count ?? 0) > 0) filled.add(":path");
  const fields = fillFields(request.fields, filler, { misplacedIn, filled });
  if ("kind" in fields) return fields;
  const body = changeBody(request, filler, misplacedIn);
  if (body?.kind === "refused") return body;
  return {
    kind: "changed",
    request: {
      ...request,
      target: asked === undefined ? target.text : `${target.text}?${asked.text}`,
      path: target.text,
      fields,
    },
    filled,
    body: body?.change,
  };
}

/** Adds the keys of those that were filled. */
function fillFields(
  given: readonly Field[],
  filler: RequestFiller,
  { misplacedIn, filled }: { readonly misplacedIn: Misplace; readonly filled: Set<string> },
): readonly Field[] | Refusal {
  const fields: Field[] = [];
  for (const field of given) {
    const { name, key, value } = field;
    const { text, count, misplaced } = filler.header(key, value);
    if (misplaced !== undefined)
      return misplacedIn(`the header ${key}`, filler.fillsHeader(key) ? undefined : NAME_THE_HEADER);
    if (filler.nowhere(name).misplaced !== undefined) return misplacedIn("a header's name");
    if (count > 0) filled.add(key);
    fields.push(count === 0 ? field : makeField(name, text));
  }
  return fields;
}

/** Compressed frames of a WebSocket could not be read, and codings are asked for by us. */
const LEFT_OUT: ReadonlySet<string> = new Set(["sec-websocket-extensions", ...Object.keys(REQUEST_CODINGS)]);

function askForPlain({ fields }: GatedRequest): readonly Field[] {
  const codings = Object.entries(REQUEST_CODINGS)
    .filter(([name]) => name === "accept-encoding" || fields.some(({ key }) => key === name))
    .map(([name, coding]) => makeField(name, coding));
  return [...fields.filter(({ key }) => !LEFT_OUT.has(key)), ...codings];
}

type BodyOutcome = { readonly kind: "change"; readonly change: BodyChange } | Refusal | undefined;

function changeBody(
  { framing, fields }: GatedRequest,
  filler: RequestFiller,
  misplacedIn: Misplace,
): BodyOutcome {
  if (isBodiless(framing)) return undefined;
  const substituter = filler.body(valueOf(fields, "content-type"), valueOf(fields, "content-encoding"));
  if (substituter === undefined)
    return refuse(415, "the body is compressed, and a secret's placeholder may have to be filled in it");
  return { kind: "change", change: fillBody(substituter, misplacedIn) };
}

function fillBody({ openStream, keepsLength }: Substituter, misplacedIn: Misplace): BodyChange {
  const stream = openStream();
  const checked = (octets: Buffer): Buffer | Refusal => {
    const unfit = stream.unfit();
    if (unfit !== undefined) return refuse(415, unfit);
    return stream.misplaced() === undefined ? octets : misplacedIn("the body");
  };
  return { keepsLength, push: (octets) => checked(stream.push(octets)), end: () => checked(stream.end()) };
}

/** One whose name holds a secret is left out. */
function redactFields(fields: readonly Field[], { holds, redact }: Redactor): readonly Field[] {
  return fields.flatMap(({ name, key, value }) => (holds(name) ? [] : { name, key, value: redact(value) }));
}

function changeResponse(response: GatedResponse, redactor: Redactor): ChangedResponse | Refusal {
  const plan = planResponse(response);
  const hasBody = !isBodiless(response.framing);
  if (hasBody && plan.kind === "refuse") return refuse(502, plan.reason);
  return {
    response: {
      ...response,
      reason: redactor.redact(response.reason),
      fields: redactFields(response.fields, redactor),
      // How long it is when it is compressed would tell of a secret in it.
      toldLength: plan.kind === "refuse" ? undefined : response.toldLength,
    },
    body:
      hasBody && plan.kind === "redact"
        ? toChange(redactor.openStream(plan.fill, plan.shape), plan.fill === "stars")
        : undefined,
  };
}

function planResponse({ fields }: GatedResponse): BodyPlan {
  return planBody({
    contentType: valueOf(fields, "content-type"),
    contentCoding: valueOf(fields, "content-encoding"),
    messageEncoding: valueOf(fields, "grpc-encoding") ?? valueOf(fields, "connect-content-encoding"),
  });
}

function toChange(stream: RedactedStream, keepsLength: boolean): BodyChange {
  const checked = (octets: Buffer): Buffer | Refusal => {
    const fault = stream.fault();
    return fault === undefined ? octets : refuse(502, fault);
  };
  return { keepsLength, push: (octets) => checked(stream.push(octets)), end: () => checked(stream.end()) };
}

/** Several of a name are a list. */
function valueOf(fields: readonly Field[], key: string): string | undefined {
  const values = fields.filter((field) => field.key === key).map(({ value }) => value);
  return values.length === 0 ? undefined : values.join(", ");
}
