/** One header field as it came. Octets are characters (latin1): what is read is written again as it was. */
export interface Field {
  /** As spelled. */
  readonly name: string;
  /** In lower case, `_` as `-`: CGI-like servers cannot tell these apart. Decisions use this one. */
  readonly key: string;
  /** Without the blanks around it. */
  readonly value: string;
}

export function makeField(name: string, value: string): Field {
  return { name, key: foldName(name), value };
}

function foldName(name: string): string {
  const lower = name.toLowerCase();
  return lower.includes("_") ? lower.replaceAll("_", "-") : lower;
}

/**
 * The members of a list (RFC 9110 section 5.6.1) in lower case, without empty ones. For lists of tokens: it
 * does not read quotes.
 */
export function listMembers(value: string): readonly string[] {
  if (!value.includes(",")) return value === "" ? [] : [value.toLowerCase()];
  return value
    .toLowerCase()
    .split(",")
    .map((member) => member.replaceAll(/^[ \t]+|[ \t]+$/g, ""))
    .filter((member) => member !== "");
}
