/** `egress log`: what a running sidecar has decided, and decides from now on. */
import type { Decision, EgressClient } from "../../client/client.ts";
import { refuseUsage, useSidecar } from "../call/call-sidecar.ts";
import type { CliContext } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { LOG_HELP } from "./help.ts";
import { choosePaint } from "../paint.ts";
import { type LogRequest, readArguments } from "./arguments.ts";
import { presentDecision, presentGap } from "./present.ts";

const COMMAND = "egress log";

/** Prints until it is ended, or once; settles with the exit code. */
export async function log(argv: readonly string[], context: CliContext): Promise<number> {
  const read = readArguments(argv);
  if (!read.ok) return refuseUsage(read.problems, COMMAND, context);
  if (read.value === "help") {
    context.print(LOG_HELP);
    return EXIT.ok;
  }
  const request = read.value;
  return useSidecar({ ...request, command: COMMAND }, context, async (client) => {
    const { decisions, newest } = await client.getDecisions({ ...request.filter, limit: request.limit });
    const print = printerOf(request, context);
    for (const decision of decisions.toReversed()) print(decision);
    if (!request.follow) return decisions.length === 0 ? EXIT.none : EXIT.ok;
    await follow(client, { ...request, after: newest }, context);
    return EXIT.ok;
  });
}

/** Ends if nobody reads it any more. */
async function follow(
  client: EgressClient,
  request: LogRequest & { readonly after: string },
  context: CliContext,
): Promise<void> {
  const print = printerOf(request, context);
  for await (const event of client.followDecisions({ ...request.filter, after: request.after })) {
    if (event.kind === "decision") print(event.decision);
    else context.warn(`${COMMAND}: ${presentGap(event)}`);
    if (context.canPrint?.() === false) return;
  }
}

function printerOf({ asJson }: LogRequest, context: CliContext): (decision: Decision) => void {
  const paint = choosePaint(context);
  return (decision) =>
    context.print(asJson ? `${JSON.stringify(decision)}\n` : presentDecision(decision, paint));
}
