/** `egress status`: what a running sidecar has in force. */
import { parseArgs } from "node:util";
import { accepted, refused, type Result } from "../../policy/problem.ts";
import { callSidecar, refuseUsage } from "../call/call-sidecar.ts";
import { CALL_OPTIONS, type Place, readPlace, refusedByParser } from "../call/place.ts";
import { EXIT } from "../exit-codes.ts";
import { STATUS_HELP } from "./help.ts";
import type { CliContext } from "../context.ts";
import { presentStatus } from "./present.ts";

const COMMAND = "egress status";

/** Asks and prints; settles with the exit code. */
export async function status(argv: readonly string[], context: CliContext): Promise<number> {
  const request = readArguments(argv);
  if (!request.ok) return refuseUsage(request.problems, COMMAND, context);
  if (request.value === "help") {
    context.print(STATUS_HELP);
    return EXIT.ok;
  }
  const { place, asJson, page } = request.value;
  return callSidecar(
    {
      command: COMMAND,
      place,
      asJson,
      async make(client) {
        const found = await client.getStatus(page);
        return { json: found, text: presentStatus(found) };
      },
    },
    context,
  );
}

interface StatusRequest {
  readonly place: Place;
  readonly asJson: boolean;
  readonly page: { readonly limit?: number; readonly after?: string };
}

const OPTIONS = { ...CALL_OPTIONS, limit: { type: "string" }, after: { type: "string" } } as const;

function readArguments(argv: readonly string[]): Result<StatusRequest | "help"> {
  try {
    const { values } = parseArgs({ args: [...argv], options: OPTIONS });
    if (values.help === true) return accepted("help");
    const { limit, after, json = false } = values;
    const place = readPlace(values);
    if (!place.ok) return place;
    if (limit !== undefined && !/^\d+$/.test(limit)) return refused("is not a whole number", "--limit");
    const page = {
      ...(limit === undefined ? {} : { limit: Number(limit) }),
      ...(after === undefined ? {} : { after }),
    };
    return accepted({ place: place.value, asJson: json, page });
  } catch (error) {
    return refusedByParser(error);
  }
}
