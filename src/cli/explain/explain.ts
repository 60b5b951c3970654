/** `egress explain`: what becomes of a name or an address, and why. */
import { parseArgs } from "node:util";
import { accepted, quote, refused, type Result } from "../../policy/problem.ts";
import { type SpokenApp, SPOKEN_APPS } from "../../policy/app.ts";
import { TRIED_PROTOCOLS } from "../../enforcement/explain/kernel-verdict.ts";
import { callSidecar, refuseUsage } from "../call/call-sidecar.ts";
import { CALL_OPTIONS, type Place, readPlace, refusedByParser } from "../call/place.ts";
import type { CliContext } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { EXPLAIN_HELP } from "./help.ts";
import { choosePaint } from "../paint.ts";
import { presentExplanation } from "./present.ts";

const COMMAND = "egress explain";

/** Asks and prints; settles with the exit code. */
export async function explain(argv: readonly string[], context: CliContext): Promise<number> {
  const request = readArguments(argv);
  if (!request.ok) return refuseUsage(request.problems, COMMAND, context);
  if (request.value === "help") {
    context.print(EXPLAIN_HELP);
    return EXIT.ok;
  }
  const { place, asJson, target, port, protocol, app, isTried, method, path } = request.value;
  return callSidecar(
    {
      command: COMMAND,
      place,
      asJson,
      async make(client) {
        const found = await client.explain(target, {
          ...(port === undefined ? {} : { port }),
          ...(protocol === undefined ? {} : { protocol }),
          ...(app === undefined ? {} : { app }),
          try: isTried,
          ...(method === undefined ? {} : { method }),
          ...(path === undefined ? {} : { path }),
        });
        return {
          json: found,
          text: presentExplanation(found, choosePaint(context)),
          exit: found.reachable ? EXIT.ok : EXIT.no,
        };
      },
    },
    context,
  );
}

interface ExplainRequest {
  readonly place: Place;
  readonly asJson: boolean;
  readonly target: string;
  readonly port: number | undefined;
  readonly protocol: Protocol | undefined;
  readonly app: SpokenApp | undefined;
  readonly isTried: boolean;
  readonly method: string | undefined;
  readonly path: string | undefined;
}

type Protocol = (typeof TRIED_PROTOCOLS)[number];

const OPTIONS = {
  ...CALL_OPTIONS,
  protocol: { type: "string" },
  try: { type: "boolean" },
  method: { type: "string" },
  path: { type: "string" },
} as const;

function readArguments(argv: readonly string[]): Result<ExplainRequest | "help"> {
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
    if (values.help === true) return accepted("help");
    const place = readPlace(values);
    if (!place.ok) return place;
    const [written, ...more] = positionals;
    if (written === undefined || more.length > 0)
      return refused("give one target: NAME, ADDRESS, or either with :PORT or :PORT/APP");
    const target = readTarget(written);
    if (!target.ok) return target;
    const protocol = readProtocol(values.protocol, target.value);
    if (!protocol.ok) return protocol;
    const isTried = values.try ?? false;
    if (isTried && target.value.port === undefined) return refused("needs a target with :PORT", "--try");
    const { json: asJson = false, method, path } = values;
    return accepted({
      place: place.value,
      asJson,
      ...target.value,
      protocol: protocol.value,
      isTried,
      method,
      path,
    });
  } catch (error) {
    return refusedByParser(error);
  }
}

function readProtocol(
  word: string | undefined,
  { app }: Pick<WrittenTarget, "app">,
): Result<Protocol | undefined> {
  const protocol = TRIED_PROTOCOLS.find((one) => one === word);
  if (word !== undefined && protocol === undefined)
    return refused(`${quote(word)} is none of ${TRIED_PROTOCOLS.join(", ")}`, "--protocol");
  if (app !== undefined && (protocol ?? "tcp") !== "tcp")
    return refused(`${app} is spoken over tcp: leave it out, or what is spoken`, "--protocol");
  return accepted(protocol);
}

interface WrittenTarget {
  readonly target: string;
  readonly port: number | undefined;
  readonly app: SpokenApp | undefined;
}

/** `example.org`, `example.org:443`, `example.org:22/ssh`, `2001:db8::7`, `[2001:db8::7]:443`. */
function readTarget(written: string): Result<WrittenTarget> {
  const [, bracketed, afterBracket] = /^\[([^\]]*)\](?::(.*))?$/s.exec(written) ?? [];
  if (bracketed !== undefined) return withPort(bracketed, afterBracket, written);
  const parts = written.split(":");
  // More than one colon is an IPv6 address.
  if (parts.length !== 2) return accepted({ target: written, port: undefined, app: undefined });
  const [host = "", port = ""] = parts;
  return withPort(host, port, written);
}

function withPort(target: string, text: string | undefined, written: string): Result<WrittenTarget> {
  if (text === undefined) return accepted({ target, port: undefined, app: undefined });
  const [digits = "", word, ...more] = text.split("/");
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  if (port < 1 || port > 65_535)
    return refused(`${quote(written)} has no port from 1 to 65535 after its colon`);
  const app = SPOKEN_APPS.find((one) => one === word);
  if (more.length > 0 || (word !== undefined && app === undefined))
    return refused(`${quote(written)}: what is spoken, after the port's slash, is ${SPOKEN_APPS.join(", ")}`);
  return accepted({ target, port, app });
}
