import { describe, expect, test } from "vitest";
import { isCredentialHeader } from "../../src/scrub/credential-headers.ts";
import { makeField } from "../../src/relay/gate/field.ts";

const isCredential = (name: string): boolean => isCredentialHeader(makeField(name, "").key);

/** As services' own documents, SDKs and scanners of leaked secrets have them. */
const SENT_BY_CLIENTS: Readonly<Record<string, readonly string[]>> = {
  "HTTP's own": ["Authorization", "Authentication", "X-Authorization", "X-Serverless-Authorization"],
  "HTTP's own, in a word more": ["X-Api-Auth", "X-Client-Authorization", "Auth", "X-Auth"],
  "3scale": ["user-key"],
  "any service's": ["X-Api-Key", "Api-Key", "api_key", "apikey", "X-ApiKey", "X-API-Token", "Api-Token"],
  "in one word": ["AuthToken", "accessToken", "X-AccessToken", "apiSecretAccessKey", "apiAccessKeyId"],
  "a word alone": ["Token", "Key", "Secret", "Password"],
  "tokens of users": ["X-Auth-Token", "X-Access-Token", "X-Session-Token", "X-User-Token", "x-auth-passwd"],
  GitLab: ["PRIVATE-TOKEN", "JOB-TOKEN", "Deploy-Token", "X-Gitlab-Token"],
  GitHub: ["X-GitHub-Token"],
  Shopify: ["X-Shopify-Access-Token", "X-Shopify-Storefront-Access-Token"],
  Azure: [
    "Ocp-Apim-Subscription-Key",
    "x-functions-key",
    "x-ms-authorization-auxiliary",
    "x-ms-encryption-key",
  ],
  Google: ["x-goog-api-key", "X-Goog-IAM-Authorization-Token", "x-goog-encryption-key"],
  Amazon: ["x-amz-security-token", "x-amz-access-token", "x-amz-server-side-encryption-customer-key"],
  Cloudflare: ["X-Auth-Key", "X-Auth-User-Service-Key", "CF-Access-Client-Id", "CF-Access-Client-Secret"],
  Datadog: ["DD-API-KEY", "DD-APPLICATION-KEY"],
  "New Relic": ["X-License-Key", "X-Insert-Key", "X-Query-Key"],
  HashiCorp: ["X-Vault-Token", "X-Consul-Token", "X-Nomad-Token"],
  models: ["xi-api-key", "X-OpenAI-Api-Key", "Helicone-Auth", "cf-aig-authorization", "x-litellm-api-key"],
  search: ["X-Algolia-API-Key", "X-Typesense-API-Key", "X-Subscription-Token", "X-RapidAPI-Key"],
  "data bases": [
    "X-Hasura-Admin-Secret",
    "X-Appwrite-Key",
    "X-Appwrite-JWT",
    "X-Parse-REST-API-Key",
    "xc-token",
  ],
  "security lists": ["x-apikey", "X-ApiKeys", "hibp-api-key", "X-OTX-API-KEY", "x-redlock-auth"],
  exchanges: [
    "X-MBX-APIKEY",
    "CB-ACCESS-KEY",
    "CB-ACCESS-PASSPHRASE",
    "APCA-API-KEY-ID",
    "APCA-API-SECRET-KEY",
    "X-CMC_PRO_API_KEY",
  ],
  packages: ["X-NuGet-ApiKey", "X-JFrog-Art-Api", "X-Octopus-ApiKey"],
  others: [
    "X-Figma-Token",
    "X-N8N-API-KEY",
    "X-N8N-Authorization",
    "X-Postmark-Server-Token",
    "X-StorageApi-Token",
    "Circle-Token",
    "X-Redmine-API-Key",
    "X-Cisco-Meraki-API-Key",
    "X-Tableau-Auth",
    "X-Sentry-Auth",
    "X-Honeycomb-Team",
    "X-IBM-Client-Id",
    "X-IBM-Client-Secret",
    "X-Plex-Token",
    "X-Emby-Authorization",
    "X-Riot-Token",
    "Fastly-Key",
    "x-apisports-key",
    "nexrender-secret",
  ],
};

/** Stored with a thing, shown to others, handed on, or told to whoever asks. */
const KEPT_OR_SHOWN: Readonly<Record<string, readonly string[]>> = {
  "an object's metadata": [
    "x-amz-meta-note",
    "x-amz-meta-api-key",
    "x-amz-meta-authorization",
    "x-goog-meta-token",
    "x-ms-meta-secret",
    "x-oss-meta-password",
    "x-object-meta-auth",
    "X-Account-Meta-Temp-URL-Key",
    "X_Amz_Meta_Token",
    "x-bz-info-api-key",
    "x-archive-meta-secret",
    "x-archive-meta01-token",
  ],
  "its name, tags and place": [
    "x-amz-tagging",
    "x-ms-tags",
    "x-amz-website-redirect-location",
    "dropbox-api-arg",
    "x-bz-file-name",
    "x-file-name",
    "slug",
    "destination",
    "link",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-obs-server-side-encryption-kms-key",
  ],
  "who asks": [
    "http-referer",
    "x-title",
    "api-user-agent",
    "x-real-ip",
    "x-client-ip",
    "x-author",
    "X-Auth-Email",
  ],
  messages: ["title", "message", "tags", "x-audit-log-reason", "x-goog-custom-audit-token"],
  traces: [
    "x-amzn-trace-id",
    "x-b3-traceid",
    "sentry-trace",
    "traceparent",
    "baggage",
    "ot-baggage-api-key",
    "uberctx-token",
    "x-correlation-token",
    "x-request-id",
  ],
  "keys and tokens of things": [
    "idempotency-key",
    "x-idempotency-key",
    "x-cache-key",
    "surrogate-key",
    "sort-key",
    "x-partition-key",
    "x-object-key",
    "x-public-key",
    "x-langfuse-public-key",
    "lock-token",
    "x-amz-bucket-object-lock-token",
    "x-device-token",
    "x-continuation-token",
    "postman-token",
    "x-csrf-token",
  ],
  "HTTP's own": [
    "user-agent",
    "referer",
    "cookie",
    "origin",
    "host",
    "accept",
    "content-type",
    "if-match",
    "via",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-access-token",
    "proxy-authorization",
    "sec-websocket-key",
    "sec-websocket-protocol",
  ],
  "for another place, that the request names": [
    "Upstash-Forward-Authorization",
    "Upstash-Forward-X-Api-Key",
    "Upstash-Callback-Forward-Authorization",
    "Upstash-Failure-Callback-Forward-X-Api-Key",
    "x-ms-copy-source-authorization",
    "x-amz-copy-source-server-side-encryption-customer-key",
    "Spb-Authorization",
    "Spb-X-Api-Key",
    "Ant-Authorization",
    "Ant-X-Auth-Token",
    "X-Upstream-Authorization",
    "X-Upstream-Api-Key",
    "X-Target-Authorization",
    "X-Target-Token",
    "X-Destination-Authorization",
    "X-Origin-Token",
    "X-Original-Authorization",
    "X-Forward-Authorization",
    "X-Proxy-Authorization",
    "X-Proxy-Api-Key",
    "X-Relay-Token",
    "X-Remote-Password",
    "X-Source-Token",
    "X-Custom-Api-Key",
    "X-Webhook-Secret",
    "X-Callback-Token",
    "X-Hook-Secret",
    "X-Registry-Auth",
    "ce-token",
    "x-cors-header-authorization",
    "Some-Gateways-Prefix-Authorization",
  ],
  "of a thing that is kept": [
    ..."document item entity storage project push registration download share invite reset upload blob kv".split(
      " ",
    ),
    ..."field user tenant entry asset snapshot doc attachment folder parent sas cdn stream job task config".split(
      " ",
    ),
  ].flatMap((thing) => [`x-${thing}-key`, `x-${thing}-secret`]),
  "no name": ["", "-", "x", "x-"],
};

const cases = (table: Readonly<Record<string, readonly string[]>>) =>
  Object.entries(table).flatMap(([kind, names]) => names.map((name) => [kind, name] as const));

describe("a header of a credential", () => {
  test.each(cases(SENT_BY_CLIENTS))("%s: %s", (_kind, name) => expect(isCredential(name)).toBe(true));
});

describe("no header of a credential", () => {
  test.each(cases(KEPT_OR_SHOWN))("%s: %s", (_kind, name) => expect(isCredential(name)).toBe(false));
});

test("a name of the greatest length is judged at once", () => {
  expect(isCredential("api".repeat(20_000))).toBe(false);
  expect(isCredential(`${"-api".repeat(15_000)}-key`)).toBe(true);
});
