/**
 * `egress run`: one command, held to a policy, without a container. It makes a network namespace that is
 * joined to the machine's network, starts the sidecar in it, runs the command there confined, and removes all
 * of it again, whatever happens.
 */
import type { CliContext } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { RUN_HELP } from "./help.ts";
import { clean } from "./clean.ts";
import { findCaller } from "./config/caller.ts";
import { report } from "./explain.ts";
import { createVoice } from "./report/voice.ts";
import { parseRunArguments } from "./request/arguments.ts";
import { filesOfMachine } from "./request/files.ts";
import { presentPolicy } from "./request/present.ts";
import { runWithoutRoot } from "./rootless/enter.ts";
import { findInside } from "./rootless/inside.ts";
import { runAsked } from "./run-asked.ts";
import { openCallerTerminal } from "./terminal/caller-terminal.ts";
import { holdLines } from "./terminal/held-lines.ts";
import type { WaitingSidecar } from "./waiting-sidecar.ts";

/**
 * Runs it; settles with the command's exit code, or 125 if the command could not be run. The caller disposes
 * of `early`.
 */
export async function run(
  argv: readonly string[],
  outer: CliContext,
  early?: WaitingSidecar,
): Promise<number> {
  const inside = findInside(outer.env);
  const context = inside === undefined ? outer : { ...outer, env: inside.env };
  const isRoot = process.getuid?.() === 0;
  using terminal = isRoot ? openCallerTerminal() : undefined;
  const lines = holdLines((text) => context.warn(terminal?.render(text) ?? text), terminal?.screen);
  const plain = createVoice(lines.write, { isQuiet: false, asJson: false });
  const caller = findCaller(context.env);
  const request = parseRunArguments(argv, filesOfMachine(caller));
  if (!request.ok) return report(request.problems, plain.complain);
  if (request.value === "help") {
    context.print(RUN_HELP);
    return EXIT.ok;
  }
  if (request.value === "clean") return await clean(context.env, plain.note);
  if ("show" in request.value) {
    context.print(presentPolicy(request.value.show));
    return EXIT.ok;
  }
  if (!isRoot) return report(runWithoutRoot(argv, context, request.value.user), plain.complain);
  // Awaited here: the terminal lives until then.
  return await runAsked(request.value, { caller, context, inside, terminal, lines, early });
}
