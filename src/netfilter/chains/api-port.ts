/**
 * Nobody is reached on the API's port, and nobody sends from it, except by the redirect to where the API
 * listens (`wire/redirect-table.ts`). A workload's process that holds the port gets no token while the
 * sidecar runs. Nor does it while only the rules are there, nor over a connection that is open already.
 *
 * Known limit: before the first rules, callers reach any process that holds the port.
 */
import { isIpv4 } from "./endpoints.ts";
import { REFUSE_OPENING } from "./refuse-chain.ts";
import type { Chain, Rule } from "../ruleset.ts";
import type { RulesetInput } from "../ruleset-input.ts";

/**
 * A redirected packet has the other port by now. The rule stands behind chain antispoof, which lets out the
 * reset for a caller. Resets tell a squatter nothing, and they keep it from sending from the port.
 */
export function apiChain(input: RulesetInput): Chain {
  return {
    name: "api",
    hook: { type: "filter", name: "input", priority: -250, policy: "accept" },
    rules: [
      {
        statements: `${match(input, "daddr")}tcp dport ${input.api.port} tcp flags & rst == 0 counter reject with tcp reset`,
        comment: "the API listens on another port: what is not redirected would reach a squatter",
      },
    ],
  };
}

/**
 * The API's answers get this port after the filter. A flow from it would make conntrack take a caller's first
 * packet for an answer, and a reset from it would end a caller's. The resets that the kernel makes for chain
 * api belong to no process's socket.
 */
export function fromApiPort(input: RulesetInput): readonly Rule[] {
  const from = `${match(input, "saddr")}tcp sport ${input.api.port}`;
  return [
    { statements: `${from} meta skuid >= 0 ${REFUSE_OPENING}`, comment: "a squatter on the API's port" },
    { statements: `${from} tcp flags & rst == 0 counter drop` },
  ];
}

/** Every address, if the API is to be reached on all addresses of a family. */
function match({ api: { host } }: RulesetInput, side: "saddr" | "daddr"): string {
  if (host === undefined || host === "0.0.0.0") return "";
  return isIpv4(host) ? `ip ${side} ${host} ` : `ip6 ${side} ${host.replace(/%.*$/, "")} `;
}
