/**
 * Whether connections are judged by the name they show: what the setting asks for, and what the machine can
 * do.
 */
import { findNamesSupport } from "../../netfilter/io/names-support.ts";
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
 * Reports the protection; undefined: connections are judged by their address alone. Throws KernelError,
 * SystemCallError.
 */
export async function prepareNames(
  { wireNames, enforcementMode }: NamesSettings,
  protections: Pick<Protections, "report">,
): Promise<NamesPlan | undefined> {
  if (enforcementMode === "dns") {
    protections.report("wire-names", ONLY_LOOKUPS);
    return undefined;
  }
  if (wireNames === "off") {
    protections.report("wire-names", SWITCHED_OFF, "quietly");
    return undefined;
  }
  const support = await findNamesSupport();
  if (!support.isThere) {
    protections.report("wire-names", { state: "off", reason: support.reason });
    return undefined;
  }
  protections.report("wire-names", { state: "on" });
  const { hasLabels } = support;
  return { ...drawNameMarks(), hasLabels, isStrict: wireNames === "strict" };
}

const SWITCHED_OFF: ProtectionState = { state: "off", reason: "OPENSANDBOX_EGRESS_WIRE_NAMES is off" };
