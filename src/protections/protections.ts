/**
 * The state of each protection as it is now: the code that holds one reports it, the code that shows or
 * requires one reads it here.
 */
import { listProtectionNames, PROTECTIONS, type ProtectionName, type ProtectionState } from "./protection.ts";

export type ReportedProtection = { readonly name: ProtectionName } & ProtectionState;

export type ListedProtection = ReportedProtection & { readonly required: boolean };

export interface Protections {
  /** Says how it stands from now on; the same again is fine, and tells nobody. */
  report(name: ProtectionName, state: ProtectionState): void;
  /** Those reported so far and those required, in the order of the list. */
  list(): readonly ListedProtection[];
  /**
   * One line for each that is required and not on: its name, why, and what to do. One that nobody has
   * reported is not on.
   */
  missing(): readonly string[];
}

export interface ProtectionsOptions {
  readonly required: readonly ProtectionName[];
  /** Called with each that goes off, for another reason than before too, or comes back on. */
  readonly onChange: (protection: ReportedProtection) => void;
}

export function createProtections({ required, onChange }: ProtectionsOptions): Protections {
  const states = new Map<ProtectionName, ProtectionState>();
  return {
    report(name, state) {
      const before = states.get(name);
      states.set(name, state);
      const isNews = before === undefined ? state.state === "off" : !isSame(before, state);
      if (isNews) onChange({ name, ...state });
    },
    list: () =>
      listProtectionNames().flatMap((name) => {
        const isRequired = required.includes(name);
        const state = states.get(name) ?? (isRequired ? UNREPORTED : undefined);
        return state === undefined ? [] : [{ name, ...state, required: isRequired }];
      }),
    missing: () => required.flatMap((name) => describeMissing(name, states.get(name))),
  };
}

const UNREPORTED: ProtectionState = { state: "off", reason: "it was not reported" };

function isSame(one: ProtectionState, other: ProtectionState): boolean {
  return reasonOf(one) === reasonOf(other);
}

function reasonOf(state: ProtectionState): string | undefined {
  return state.state === "off" ? state.reason : undefined;
}

function describeMissing(name: ProtectionName, state: ProtectionState = UNREPORTED): readonly string[] {
  if (state.state === "on") return [];
  return [`the required protection ${name} is off: ${state.reason}; ${PROTECTIONS[name].remedy}`];
}
