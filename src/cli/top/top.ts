/** `egress top`: what a running sidecar decides, live, on the whole screen. */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { EgressClient } from "../../client/client.ts";
import { accepted, type Result } from "../../policy/problem.ts";
import { refuseUsage, useSidecar } from "../call/call-sidecar.ts";
import { CALL_OPTIONS, type Place, readPlace, refusedByParser } from "../call/place.ts";
import type { CliContext } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { TOP_HELP } from "./help.ts";
import { choosePaint } from "../paint.ts";
import { createBoard, type Board } from "./board.ts";
import { renderFrame, type Screen } from "./frame.ts";
import { openScreen } from "./open-screen.ts";

const COMMAND = "egress top";
const FRAME_MS = 1000;
/** So many of the last decisions are counted at the beginning. */
const EARLIER = 1000;

/** Runs until `q` or a signal; if nobody watches, prints one frame. Settles with the exit code. */
export async function top(argv: readonly string[], context: CliContext): Promise<number> {
  const request = readArguments(argv);
  if (!request.ok) return refuseUsage(request.problems, COMMAND, context);
  if (request.value === "help") {
    context.print(TOP_HELP);
    return EXIT.ok;
  }
  const call = { command: COMMAND, place: request.value, asJson: false };
  return useSidecar(call, context, async (client) => {
    const board = createBoard();
    const { decisions, newest } = await client.getDecisions({ limit: EARLIER });
    for (const decision of decisions.toReversed()) board.add(decision, Date.parse(decision.time));
    if (context.isTerminal !== true) {
      context.print(`${(await drawn(client, board, { columns: 200, rows: 40 }, context)).join("\n")}\n`);
      return EXIT.ok;
    }
    await watch(client, board, newest, context);
    return EXIT.ok;
  });
}

async function drawn(
  client: EgressClient,
  board: Board,
  screen: Screen,
  context: CliContext,
): Promise<readonly string[]> {
  const status = await client.getStatus({ limit: 0 });
  return renderFrame(board, status, { screen, paint: choosePaint(context), nowMs: Date.now() });
}

/** The terminal is as it was, however this ends. */
async function watch(client: EgressClient, board: Board, after: string, context: CliContext): Promise<void> {
  const stop = new AbortController();
  using screen = openScreen(context.print, () => stop.abort());
  const following = follow(client, board, after, stop.signal);
  try {
    while (!stop.signal.aborted && context.canPrint?.() !== false) {
      screen.draw(await drawn(client, board, screen.size(), context));
      await Promise.race([
        delay(FRAME_MS, undefined, { signal: stop.signal }).catch(() => undefined),
        following,
      ]);
    }
  } finally {
    stop.abort();
    await following;
  }
}

/** Ends with the signal; rejects if the sidecar refuses. */
async function follow(client: EgressClient, board: Board, after: string, signal: AbortSignal): Promise<void> {
  try {
    for await (const event of client.followDecisions({ after, signal }))
      if (event.kind === "decision") board.add(event.decision, Date.now());
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function readArguments(argv: readonly string[]): Result<Place | "help"> {
  try {
    const { json: _none, ...options } = CALL_OPTIONS;
    const { values } = parseArgs({ args: [...argv], options });
    return values.help === true ? accepted("help") : readPlace(values);
  } catch (error) {
    return refusedByParser(error);
  }
}
