import { ApiError, type ApiErrorCode, type ApiProblem } from "./errors.ts";
import { hasShape, type Sample } from "./shape.ts";
import type { Transport } from "./transport.ts";

/** What every call can read. */
export const ACCEPT = { Accept: "application/json, application/problem+json, text/plain" };

/** What openapi-fetch makes of an answer. */
interface Fetched<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

/**
 * Gives the data of an answer with its entity tag, or throws ApiError, also of one that is not as the sample.
 * Most answers are marked by `"status": "ok"`; the vault's are the original's.
 */
export function readAnswer(
  transport: Transport,
): <T extends object>(
  call: Promise<Fetched<T>>,
  sample: Sample,
  isMarked?: boolean,
) => Promise<T & { readonly etag: string | undefined }> {
  return async (call, sample, isMarked = true) => {
    const { data, error, response } = await call.catch((failure: unknown) => {
      // 200 with something else than JSON: not the sidecar.
      if (failure instanceof SyntaxError) throw notTheSidecar(200);
      throw failure;
    });
    if (!response.ok) throw toApiError(response, error, transport.followsLostAnswer(response));
    if (data === undefined || (isMarked && !isOk(data)) || !hasShape(data, sample))
      throw notTheSidecar(response.status);
    return { ...data, etag: response.headers.get("ETag") ?? undefined };
  };
}

/**
 * The refusal that an answer is. Problem details are the sidecar's own; a text may be of anyone on the way.
 */
export function toApiError(response: Response, body: unknown, mayBeOwnDoing: boolean): ApiError {
  const { status } = response;
  const etag = response.headers.get("ETag") ?? undefined;
  const details = { status, etag, mayBeOwnDoing: mayBeOwnDoing && status === 412 };
  if (isProblemDetails(body)) {
    return new ApiError(body.message, { ...details, code: body.code, problems: body.errors ?? [] });
  }
  const text = typeof body === "string" ? (body.split("\n", 1)[0] ?? "").slice(0, 500) : "";
  const message = text === "" ? `the answer is ${status}, without a reason` : text;
  return new ApiError(message, { ...details, code: "not-the-sidecar", problems: [] });
}

function notTheSidecar(status: number): ApiError {
  const details = { status, etag: undefined, mayBeOwnDoing: false, problems: [] };
  return new ApiError("what answers there is not the sidecar", { ...details, code: "not-the-sidecar" });
}

interface Details {
  readonly code: ApiErrorCode;
  readonly message: string;
  readonly errors?: readonly ApiProblem[];
}

function isProblemDetails(body: unknown): body is Details {
  return (
    typeof body === "object" &&
    body !== null &&
    "code" in body &&
    typeof body.code === "string" &&
    "message" in body &&
    typeof body.message === "string" &&
    (!("errors" in body) || Array.isArray(body.errors))
  );
}

function isOk<T>(data: T | undefined): data is T {
  return typeof data === "object" && data !== null && "status" in data && data.status === "ok";
}
