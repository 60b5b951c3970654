/** Whether an answer of the running sidecar is one that `docs/openapi.json` tells of. */
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { Answer } from "../api/api-server.ts";

const ajv = new Ajv2020({ strict: false });
const document: unknown = JSON.parse(
  readFileSync(new URL("../../docs/openapi.json", import.meta.url), "utf8"),
);
ajv.addSchema(Object.assign({}, document), "openapi");

const DOCUMENTED = new Set(["GET", "POST", "PUT", "PATCH", "DELETE"]);

/** What is wrong with the answer; undefined where nothing is. */
export function findDeviation(method: string, path: string, answer: Answer): string | undefined {
  if (!DOCUMENTED.has(method)) return undefined;
  const mediaType = (answer.headers["content-type"] ?? "").split(";", 1).join();
  const parts = [
    "paths",
    path,
    method.toLowerCase(),
    "responses",
    String(answer.status),
    "content",
    mediaType,
  ];
  const pointer = [...parts, "schema"]
    .map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1"))
    .join("/");
  let isAsTold;
  try {
    isAsTold = ajv.compile({ $ref: `openapi#/${pointer}` });
  } catch {
    return `${method} ${path} has no ${answer.status} with ${mediaType} in the document`;
  }
  const body: unknown = mediaType.endsWith("json") ? JSON.parse(answer.text) : answer.text;
  return isAsTold(body)
    ? undefined
    : `${method} ${path} ${answer.status}: ${ajv.errorsText(isAsTold.errors)}`;
}
