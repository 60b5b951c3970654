import type { Settings } from "../../src/config.ts";

/** Texts of one variable. */
export interface SettingCase {
  readonly name: string;
  /** Those that are read, with what they give in the settings. */
  readonly accepted: readonly (readonly [string, Partial<Settings>])[];
  /** Those that are read with a warning. */
  readonly warned?: readonly (readonly [string, Partial<Settings>])[];
  readonly refused: readonly string[];
}
