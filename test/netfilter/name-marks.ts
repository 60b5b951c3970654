/** Marks of the reader of names, as the ruleset and the reader know them. */
export const NAMES = {
  refusedMark: 0x7a11_0002,
  repeatedMark: 0x7a11_0003,
  hasLabels: true,
  judgesAnswers: true,
} as const;
