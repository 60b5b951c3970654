import type { components } from "./api-types.ts";

/** Bodies of calls and answers, by their names in the OpenAPI document. */
export type Schemas = components["schemas"];

/** What becomes of a name or an address, and why. */
export type Explanation = Readonly<Schemas["Explanation"]>;
