/**
 * What every command that calls the sidecar does around its call: find it, print the answer, say what went
 * wrong, choose the exit code.
 */
import { ApiError, ConnectionError, createEgressClient, type EgressClient } from "../../client/client.ts";
import { oneLine, type Problem, renderProblems } from "../../policy/problem.ts";
import { EXIT } from "../exit-codes.ts";
import type { CliContext } from "../context.ts";
import { findEndpoint } from "./endpoint.ts";
import type { Place } from "./place.ts";

export interface Answer {
  readonly json: object;
  /** Whole lines, for people. */
  readonly text: string;
  /** Default: it went well. */
  readonly exit?: number;
}

export interface SidecarCall {
  /** `egress policy`: what its complaints begin with. */
  readonly command: string;
  readonly place: Place;
  readonly asJson: boolean;
  readonly make: (client: EgressClient) => Promise<Answer>;
}

/** Makes the call; settles with the exit code. */
export async function callSidecar(call: SidecarCall, context: CliContext): Promise<number> {
  return useSidecar(call, context, async (client) => {
    const { json, text, exit = EXIT.ok } = await call.make(client);
    context.print(call.asJson ? `${JSON.stringify(json)}\n` : text);
    return exit;
  });
}

/** Has `use` talk to the sidecar, and say what the exit code is if it could; settles with it. */
export async function useSidecar(
  call: Omit<SidecarCall, "make">,
  context: CliContext,
  use: (client: EgressClient) => Promise<number>,
): Promise<number> {
  const endpoint = findEndpoint(call.place, context.env);
  if (!endpoint.ok) {
    warnAll(context, call.command, listProblems(endpoint.problems));
    return EXIT.config;
  }
  try {
    return await use(createEgressClient(endpoint.value));
  } catch (error) {
    return reportFailure(error, call, context);
  }
}

/** Says that the command line is wrong; gives the exit code. */
export function refuseUsage(problems: readonly Problem[], command: string, context: CliContext): number {
  warnAll(context, command, [...listProblems(problems), `see "${command} --help"`]);
  return EXIT.usage;
}

/** A failure that is neither an answer nor its lack is a bug of ours and goes on. */
function reportFailure(
  error: unknown,
  { asJson, command }: Pick<SidecarCall, "asJson" | "command">,
  context: CliContext,
): number {
  if (error instanceof ApiError) {
    const { code, status, message, problems } = error;
    if (asJson) context.warn(`${JSON.stringify({ error: { code, status, message, errors: problems } })}\n`);
    else warnAll(context, command, presentRefusal(error));
    return code === "vault-unavailable" ? EXIT.unavailable : (EXIT_OF_STATUS[status] ?? EXIT.unavailable);
  }
  if (!(error instanceof ConnectionError)) throw error;
  const { code, message, mayBeDone } = error;
  if (asJson) context.warn(`${JSON.stringify({ error: { code, message, mayBeDone } })}\n`);
  else warnAll(context, command, [`${message}${mayBeDone ? "; it may have been done" : ""}`]);
  return EXIT.unavailable;
}

const EXIT_OF_STATUS: Readonly<Record<number, number>> = {
  400: EXIT.data,
  401: EXIT.denied,
  403: EXIT.denied,
  404: EXIT.data,
  409: EXIT.again,
  412: EXIT.again,
  413: EXIT.data,
  426: EXIT.denied,
};

/** One line for each problem, with the remedy if there is a known one. */
function presentRefusal({ message, problems, code, mayBeOwnDoing }: ApiError): readonly string[] {
  const lines = problems.map(({ path, message: text }) => oneLine(path === "" ? text : `${path}: ${text}`));
  if (code === "precondition-failed" && mayBeOwnDoing) {
    return [`${oneLine(message)}; an earlier try of this call got no answer and may be what changed it`];
  }
  return lines.length === 0 ? [oneLine(message)] : lines;
}

function warnAll(context: CliContext, command: string, lines: readonly string[]): void {
  context.warn(lines.map((line) => `${command}: ${line}\n`).join(""));
}

function listProblems(problems: readonly Problem[]): readonly string[] {
  return problems.map((problem) => renderProblems([problem]));
}
