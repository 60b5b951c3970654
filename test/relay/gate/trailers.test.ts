import { expect, test } from "vitest";
import { makeField } from "../../../src/relay/gate/field.ts";
import { passableTrailers } from "../../../src/relay/gate/trailers.ts";

test.each([
  "Authorization",
  "Host",
  "Content-Length",
  "Transfer_Encoding",
  "Connection",
  "X-HTTP-Method",
  "X-Original-URL",
  "X_Forwarded_Host",
  "Forwarded",
  "X_Api_Key",
  "X-Api-Key",
])("a trailer named %s is dropped", (name) => {
  expect(passableTrailers([makeField(name, "x")], new Set(["x-api-key"]))).toEqual([]);
});

test("grpc-status passes", () => {
  const status = makeField("grpc-status", "0");
  expect(passableTrailers([status], new Set(["authorization"]))).toEqual([status]);
});
