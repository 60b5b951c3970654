/**
 * The text from `start` on, without spaces and tabs at its ends: those are no part of a field's value (RFC
 * 9110 section 5.5).
 */
export function trimBlanks(text: string, start = 0): string {
  let from = start;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(octet: number): boolean {
  return octet === 0x20 || octet === 0x09;
}
