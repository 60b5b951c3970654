/** Reads the JSON that the sidecar's log prints, without trust in its shape. */

/** A JSON object; its fields are read by `stringOf` and `numberOf`. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The object that the text holds, `undefined` if it holds anything else or is no JSON. */
export function parseObject(text: string): JsonObject | undefined {
  return asObject(parse(text));
}

function asObject(value: unknown): JsonObject | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : undefined;
}

export function stringOf(object: JsonObject | undefined, field: string): string | undefined {
  const value = object?.[field];
  return typeof value === "string" ? value : undefined;
}

export function numberOf(object: JsonObject | undefined, field: string): number | undefined {
  const value = object?.[field];
  return typeof value === "number" ? value : undefined;
}

/** The texts of an array, without what is none. */
export function stringsOf(object: JsonObject | undefined, field: string): readonly string[] {
  const value = object?.[field];
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  return items.filter((item) => typeof item === "string");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
