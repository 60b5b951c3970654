/** `egress suggest`: a policy that lets through what processes of the sandbox have tried. */
import { parseArgs } from "node:util";
import type { PolicySuggestion } from "../../client/client.ts";
import { accepted, oneLine, type Result } from "../../policy/problem.ts";
import { callSidecar, refuseUsage } from "../call/call-sidecar.ts";
import { CALL_OPTIONS, type Place, readPlace, refusedByParser } from "../call/place.ts";
import type { CliContext } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { SUGGEST_HELP } from "./help.ts";

const COMMAND = "egress suggest";

/**
 * Prints the policy on standard output, and what a reader should know on standard error; settles with the
 * exit code.
 */
export async function suggest(argv: readonly string[], context: CliContext): Promise<number> {
  const request = readArguments(argv);
  if (!request.ok) return refuseUsage(request.problems, COMMAND, context);
  if (request.value === "help") {
    context.print(SUGGEST_HELP);
    return EXIT.ok;
  }
  const { place, asJson, wildcards, ports } = request.value;
  return callSidecar(
    {
      command: COMMAND,
      place,
      asJson,
      async make(client) {
        const found = await client.suggestPolicy({ wildcards, ports });
        if (!asJson) for (const line of listNotes(found)) context.warn(`${COMMAND}: ${oneLine(line)}\n`);
        return { json: found, text: `${JSON.stringify(found.policy, null, 2)}\n` };
      },
    },
    context,
  );
}

function listNotes({ leftOut, seen }: PolicySuggestion): readonly string[] {
  const denied = leftOut.map(({ target, layer, rule }) => {
    return `left out: ${target}, which rule ${rule}${layer === "user" ? "" : ` of ${layer}`} denies`;
  });
  const counts = `${seen.names} names and ${seen.addresses} addresses without a name were seen`;
  const cut = seen.cut === 0 ? "" : `; ${seen.cut} more were seen and are forgotten`;
  return [...denied, `${counts}${cut}`];
}

interface SuggestRequest {
  readonly place: Place;
  readonly asJson: boolean;
  readonly wildcards: boolean;
  readonly ports: boolean;
}

const OPTIONS = {
  ...CALL_OPTIONS,
  wildcards: { type: "boolean" },
  ports: { type: "boolean" },
} as const;

function readArguments(argv: readonly string[]): Result<SuggestRequest | "help"> {
  try {
    const { values } = parseArgs({ args: [...argv], options: OPTIONS });
    if (values.help === true) return accepted("help");
    const place = readPlace(values);
    if (!place.ok) return place;
    const { json = false, wildcards = false, ports = false } = values;
    return accepted({ place: place.value, asJson: json, wildcards, ports });
  } catch (error) {
    return refusedByParser(error);
  }
}
