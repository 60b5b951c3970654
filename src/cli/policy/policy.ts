/** `egress policy`: reads and changes the policy of a running sidecar. */
import { readFileSync } from "node:fs";
import type { EgressClient } from "../../client/client.ts";
import { renderRemoval } from "../../policy/edit.ts";
import { renderPolicy } from "../../policy/policy.ts";
import { renderRule } from "../../policy/rule.ts";
import { type Answer, callSidecar, refuseUsage } from "../call/call-sidecar.ts";
import { EXIT } from "../exit-codes.ts";
import { POLICY_HELP } from "./help.ts";
import type { CliContext } from "../context.ts";
import { parsePolicyArguments, type PolicyRequest } from "./arguments.ts";
import { presentChange, presentPolicy } from "./present.ts";

const COMMAND = "egress policy";

/** Makes the one call that the command line asks for; settles with the exit code. */
export async function policy(argv: readonly string[], context: CliContext): Promise<number> {
  const request = parsePolicyArguments(argv, (path) => readFileSync(path === "-" ? 0 : path, "utf8"));
  if (!request.ok) return refuseUsage(request.problems, COMMAND, context);
  const { value } = request;
  if (value === "help") {
    context.print(POLICY_HELP);
    return EXIT.ok;
  }
  const { place, asJson } = value;
  return callSidecar({ command: COMMAND, place, asJson, make: (client) => makeCall(client, value) }, context);
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
      return client.patchRules(call.rules.map(renderRule), options);
    case "replace":
      return client.replacePolicy(renderPolicy(call.policy), options);
    case "delete":
      return client.deleteRules(
        call.targets.map((removal) => (removal.kind === "rule" ? renderRemoval(removal) : removal.text)),
        options,
      );
    case "reset":
      break;
  }
  return client.resetPolicy(options);
}
