/** `egress policy`: reads and changes the policy of a running sidecar. */
import { readFileSync } from "node:fs";
import { ApiError, ConnectionError, createEgressClient, type EgressClient } from "../../client/client.ts";
import { renderPolicy } from "../../policy/policy.ts";
import { type Problem, renderProblems } from "../../policy/problem.ts";
import { EXIT } from "../exit-codes.ts";
import { POLICY_HELP } from "../help.ts";
import type { CliContext } from "../main.ts";
import { parsePolicyArguments, type PolicyRequest } from "./arguments.ts";
import { findEndpoint } from "./endpoint.ts";
import { presentChange, presentPolicy, presentRefusal } from "./present.ts";

/** Makes the one call that the command line asks for; settles with the exit code. */
export async function policy(argv: readonly string[], context: CliContext): Promise<number> {
  const request = parsePolicyArguments(argv, (path) => readFileSync(path === "-" ? 0 : path, "utf8"));
  if (!request.ok) {
    warnAll(context, [...list(request.problems), 'see "egress policy --help"']);
    return EXIT.usage;
  }
  if (request.value === "help") {
    context.print(POLICY_HELP);
    return EXIT.ok;
  }
  const endpoint = findEndpoint(request.value.place, context.env);
  if (!endpoint.ok) {
    warnAll(context, list(endpoint.problems));
    return EXIT.config;
  }
  try {
    const { json, text } = await makeCall(createEgressClient(endpoint.value), request.value);
    context.print(request.value.asJson ? `${JSON.stringify(json)}\n` : text);
    return EXIT.ok;
  } catch (error) {
    return reportFailure(error, request.value, context);
  }
}

interface Answer {
  readonly json: object;
  readonly text: string;
}

async function makeCall(client: EgressClient, request: PolicyRequest): Promise<Answer> {
  const { call, dryRun, ifMatch } = request;
  const options = { dryRun, ...(ifMatch === undefined ? {} : { ifMatch }) };
  if (call.kind === "get") {
    const state = await client.getPolicy();
    return { json: state, text: presentPolicy(state) };
  }
  const change = await makeChange(client, call, options);
  return { json: change, text: presentChange(change) };
}

function makeChange(
  client: EgressClient,
  call: Exclude<PolicyRequest["call"], { readonly kind: "get" }>,
  options: { readonly dryRun: boolean; readonly ifMatch?: string },
) {
  switch (call.kind) {
    case "patch":
      return client.patchRules(renderPolicy({ defaultAction: "deny", egress: call.rules }).egress, options);
    case "replace":
      return client.replacePolicy(renderPolicy(call.policy), options);
    case "delete":
      return client.deleteRules(
        call.targets.map(({ text }) => text),
        options,
      );
    case "reset":
      break;
  }
  return client.resetPolicy(options);
}

/** A failure that is neither an answer nor its lack is a bug of ours and goes on. */
function reportFailure(error: unknown, { asJson }: PolicyRequest, context: CliContext): number {
  if (error instanceof ApiError) {
    const { code, status, message, problems } = error;
    if (asJson) context.warn(`${JSON.stringify({ error: { code, status, message, errors: problems } })}\n`);
    else warnAll(context, presentRefusal(error));
    return EXIT_OF_STATUS[status] ?? EXIT.unavailable;
  }
  if (!(error instanceof ConnectionError)) throw error;
  const { code, message, mayBeDone } = error;
  if (asJson) context.warn(`${JSON.stringify({ error: { code, message, mayBeDone } })}\n`);
  else warnAll(context, [`${message}${mayBeDone ? "; it may have been done" : ""}`]);
  return EXIT.unavailable;
}

const EXIT_OF_STATUS: Readonly<Record<number, number>> = {
  400: EXIT.data,
  401: EXIT.denied,
  403: EXIT.denied,
  412: EXIT.again,
  413: EXIT.data,
};

function warnAll(context: CliContext, lines: readonly string[]): void {
  context.warn(lines.map((line) => `egress policy: ${line}\n`).join(""));
}

function list(problems: readonly Problem[]): readonly string[] {
  return problems.map((problem) => renderProblems([problem]));
}
