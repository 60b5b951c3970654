/**
 * Whether connections are judged by the name they show: what the setting asks for, and what the machine can
 * do.
 */
import { findNamesSupport, findTextRefusal } from "../../netfilter/io/names-support.ts";
import { KernelError } from "../../netfilter/errors.ts";
import type { NamesInput } from "../../netfilter/ruleset-input.ts";
import type { EnforcementMode } from "../../netfilter/ruleset.ts";
import { ONLY_LOOKUPS, type ProtectionState } from "../../protections/protection.ts";
import type { Protections } from "../../protections/protections.ts";
import { drawNameMarks, type NameMarks } from "../draw-marks.ts";

/** `known`: what is neither TLS nor HTTP passes. `strict`: it is refused, as it shows no name. */
export type WireNames = "off" | "known" | "strict";

export interface NamesPlan extends NameMarks, NamesInput {
  readonly isStrict: boolean;
}

export interface NamesSettings {
  readonly wireNames: WireNames;
  readonly enforcementMode: EnforcementMode;
}

/**
 * Reports the protection as far as the kernel goes; undefined: connections are judged by their address alone.
 * Throws KernelError, SystemCallError.
 */
export function prepareNames(
  { wireNames, enforcementMode }: NamesSettings,
  protections: Pick<Protections, "report">,
): NamesPlan | undefined {
  if (enforcementMode === "dns") {
    protections.report("wire-names", ONLY_LOOKUPS);
    return undefined;
  }
  if (wireNames === "off") {
    protections.report("wire-names", SWITCHED_OFF);
    return undefined;
  }
  const support = findNamesSupport();
  if (!support.isThere) {
    protections.report("wire-names", { state: "off", reason: support.reason });
    return undefined;
  }
  protections.report("wire-names", { state: "on" });
  const { hasLabels, judgesAnswers } = support;
  return { ...drawNameMarks(), hasLabels, judgesAnswers, isStrict: wireNames === "strict" };
}

export interface FirstRuleset {
  /** Whether the rules of an earlier process hold until the policy is there: none is put in force yet. */
  readonly isRulesetThere: boolean;
  readonly protections: Pick<Protections, "report">;
}

/**
 * Opens what puts the first ruleset in force. Whether nft(8) can say what the rules for names say is seen by
 * that ruleset itself, since to ask it beforehand takes as long as a start of it; where none is put in force
 * yet it is asked. If it cannot, connections are judged by their address. Rejects as `open` does.
 */
export async function openWithNames<Opened>(
  plan: NamesPlan | undefined,
  { isRulesetThere, protections }: FirstRuleset,
  open: (names: NamesPlan | undefined) => Promise<Opened>,
): Promise<{ readonly opened: Opened; readonly names: NamesPlan | undefined }> {
  let failure: unknown;
  if (plan !== undefined && !isRulesetThere) {
    try {
      return { opened: await open(plan), names: plan };
    } catch (error) {
      if (!(error instanceof KernelError) || error.code !== "refused") throw error;
      failure = error;
    }
  }
  const reason = plan && (await findTextRefusal());
  if (reason === undefined && failure !== undefined) throw failure;
  if (reason !== undefined) protections.report("wire-names", { state: "off", reason });
  const names = reason === undefined ? plan : undefined;
  return { opened: await open(names), names };
}

const SWITCHED_OFF: ProtectionState = { state: "off", reason: "OPENSANDBOX_EGRESS_WIRE_NAMES is off" };
