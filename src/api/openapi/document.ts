/**
 * The OpenAPI 3.1 document, made from the shapes that read the bodies, the table of refusals, and a table of
 * calls. Not loaded before someone asks for it. `docs/openapi.json` is kept equal to it by a test.
 */
import { STATUS_CODES } from "node:http";
import { SIGNATURE_HEADER, TOKEN_HEADER } from "../headers.ts";
import { REFUSAL_STATUS, type Refusal } from "../refusal.ts";
import type { Operation } from "./operation.ts";
import { OPERATIONS } from "./operations.ts";
import { PARAMETERS, type ParameterName } from "./parameters.ts";
import { createSchemas, schemaReference } from "./schemas.ts";

/** The version of the API, not of the program: 1.1 is the original's. */
const API_VERSION = "1.1.0";

export function createDocument(): object {
  return {
    openapi: "3.1.1",
    info: {
      title: "Egress sidecar",
      version: API_VERSION,
      summary: "The network policy of one sandbox: read it, change it.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "http://127.0.0.1:18080" }],
    paths: createPaths(),
    components: {
      schemas: createSchemas(),
      parameters: PARAMETERS,
      headers: HEADERS,
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

function createPaths(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of OPERATIONS) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describeOperation(operation) };
  }
  return paths;
}

function describeOperation(operation: Operation): object {
  const { id, summary, description, takes, isGuarded } = operation;
  const body = takes === undefined ? {} : { requestBody: describeBody(takes) };
  const parameters = parametersOf(operation).map(parameterReference);
  return {
    operationId: id,
    summary,
    ...(description === undefined ? {} : { description }),
    security: isGuarded ? [{ token: [] }, { bearer: [] }, { signature: [] }, {}] : [],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...body,
    responses: { [statusOf(operation)]: describeSuccess(operation), ...describeRefusals(operation) },
  };
}

function parametersOf({ isChange, parameters = [] }: Operation): readonly ParameterName[] {
  return isChange ? ["ifMatch", "dryRun", ...parameters] : parameters;
}

function describeBody({ schema, mayBeBlank = false }: NonNullable<Operation["takes"]>): object {
  const content = { "application/json": { schema: schemaReference(schema) } };
  return {
    description: "At most 1 MiB of JSON, whatever Content-Type says.",
    required: !mayBeBlank,
    content,
  };
}

function statusOf({ gives }: Operation): number {
  if ("nothing" in gives) return 204;
  return ("schema" in gives ? gives.status : undefined) ?? 200;
}

function describeSuccess({ gives, isTagged = false }: Operation): object {
  const headers = isTagged ? { headers: { ETag: { $ref: "#/components/headers/ETag" } } } : {};
  if ("text" in gives) {
    return { description: "All is well.", content: { "text/plain": { schema: { const: gives.text } } } };
  }
  if ("lines" in gives) {
    return { description: gives.lines, content: { "text/plain": { schema: { type: "string" } } } };
  }
  if ("events" in gives) {
    return { description: gives.events, content: { "text/event-stream": { schema: { type: "string" } } } };
  }
  if ("nothing" in gives) return { description: gives.nothing };
  if ("json" in gives) {
    return { description: gives.json, content: { "application/json": { schema: { type: "object" } } } };
  }
  return {
    description: "Done.",
    ...headers,
    content: { "application/json": { schema: schemaReference(gives.schema) } },
  };
}

/** One answer a status; its description names the codes. */
function describeRefusals({ refusals, textRefusal }: Operation): object {
  const byStatus = Map.groupBy(refusals, (code) => REFUSAL_STATUS[code]);
  const answers = Array.from(
    byStatus,
    ([status, codes]) => [status, describeRefusal(status, codes)] as const,
  );
  const texts =
    textRefusal === undefined
      ? {}
      : { [textRefusal.status]: { description: textRefusal.meaning, content: TEXT_CONTENT } };
  return { ...Object.fromEntries(answers), ...texts };
}

function describeRefusal(status: number, codes: readonly Refusal["code"][]): object {
  return {
    description: `${STATUS_CODES[status] ?? ""}: ${codes.join(", ")}.`,
    content: { ...TEXT_CONTENT, "application/problem+json": { schema: schemaReference("ProblemDetails") } },
  };
}

const TEXT_CONTENT = {
  "text/plain": {
    schema: { type: "string", minLength: 1, description: "One line: what was wrong, and where." },
  },
};

function parameterReference(name: ParameterName): object {
  return { $ref: `#/components/parameters/${name}` };
}

const HEADERS = {
  ETag: { description: "A strong tag: a hash of the user's policy.", schema: { type: "string" } },
};

const SECURITY_SCHEMES = {
  token: {
    type: "apiKey",
    in: "header",
    name: TOKEN_HEADER,
    description: "Where the sidecar has a token set. Not asked for on the unix socket.",
  },
  bearer: { type: "http", scheme: "bearer", description: "The same token, as any HTTP client can send it." },
  signature: {
    type: "apiKey",
    in: "header",
    name: SIGNATURE_HEADER,
    description:
      "Instead of the token, which never crosses the network then: t=UNIX_MS,n=NONCE,v1=HEX, HEX being HMAC-SHA256 with the token " +
      "as key over METHOD, path with query, t, n, the body's SHA-256 in hex, and the value of If-Match if the call has one, joined by line " +
      "feeds. Good for 60 s and for one call; the clock may be 5 s ahead of the sidecar's.",
  },
};
