/** The three places that hold the policy: memory (what GET says), the disk, and the kernel's address sets. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { readAddresses } from "./kernel-sets.ts";
import type { Lab } from "./lab.ts";
import type { Sidecar } from "./sidecar.ts";

const policyShape = z.object({
  egress: z.array(z.object({ action: z.enum(["allow", "deny"]), target: z.string() })),
  defaultAction: z.enum(["allow", "deny"]),
});
export type PolicyJson = z.infer<typeof policyShape>;

/** A policy as a caller may send it. */
export interface PolicyInput {
  readonly egress: readonly { readonly action: "allow" | "deny"; readonly target: string }[];
}

export async function readMemory(sidecar: Sidecar): Promise<PolicyJson> {
  const answer = await sidecar.api("GET", "/policy");
  return z.object({ policy: policyShape }).parse(answer.json()).policy;
}

/** The lab's policy file; `undefined` where there is none. */
export async function readDisk(lab: Lab, name = "policy.json"): Promise<PolicyJson | undefined> {
  const text = await readFile(join(lab.stateFolder, name), "utf8").catch(() => undefined);
  return text === undefined ? undefined : policyShape.parse(JSON.parse(text));
}

/** The addresses that the kernel allows and denies by rule, sorted. */
export async function readKernel(lab: Lab): Promise<{ allow: readonly string[]; deny: readonly string[] }> {
  const held = async (action: string): Promise<readonly string[]> => {
    const sets = ["host_v4", "v4", "host_v6", "v6"].map((set) => `${action}_${set}`);
    return (await Promise.all(sets.map((set) => readAddresses(lab.sandbox, set)))).flat().toSorted();
  };
  return { allow: await held("allow"), deny: await held("deny") };
}

/** What the kernel's sets hold under a policy whose address rules are single, scattered addresses. */
export function kernelOf({ egress }: PolicyInput): { allow: readonly string[]; deny: readonly string[] } {
  const pick = (action: "allow" | "deny"): readonly string[] =>
    egress
      .filter((rule) => rule.action === action && !/[a-z]{3}/.test(rule.target))
      .map(({ target }) => target)
      .toSorted();
  return { allow: pick("allow"), deny: pick("deny") };
}
