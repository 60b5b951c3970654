import { describe, expect, test } from "vitest";
import { renderProblems } from "../../../src/policy/problem.ts";
import { createVaultParser } from "../../../src/vault/request/parse-vault-request.ts";
import { renderHostPattern } from "../../../src/vault/host-pattern.ts";
import { valueOf } from "../../support/policy.ts";

const { parseRequest } = createVaultParser({ requireScopedMatch: false });

const VALUE = "s3cr3t-of-the-test";
const GH = { name: "gh", source: { type: "inline", value: VALUE } };
const MATCH = { hosts: ["api.example.org"] };
const BINDING = { name: "b", match: MATCH, auth: { type: "bearer", credential: "gh" } };

function requestOf(part: { credentials?: unknown; bindings?: unknown }): string {
  return JSON.stringify({ credentials: [GH], bindings: [], ...part });
}

function problemsOf(text: string): string {
  const parsed = parseRequest(text);
  return parsed.ok ? "accepted" : renderProblems(parsed.problems);
}

describe("a request is read with its defaults filled in", () => {
  test("a binding without more than hosts is for https, the usual methods and every path", () => {
    const { bindings } = valueOf(parseRequest(requestOf({ bindings: [BINDING] })));
    expect(bindings).toEqual([
      {
        name: "b",
        match: {
          schemes: ["https"],
          hosts: [{ kind: "exact", name: "api.example.org" }],
          methods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
          paths: ["/*"],
        },
        auth: { type: "bearer", credential: "gh" },
        substitutions: [],
      },
    ]);
  });

  test("names, hosts, methods, schemes and surfaces are made plain, and said once", () => {
    const binding = {
      name: "  b ",
      match: {
        schemes: [" HTTPS", "https", "http"],
        hosts: [" API.example.org. ", "api.example.org", "*.Example.org"],
        methods: [" get ", "GET", "purge"],
        paths: ["/v1/*", "/v1/*", "/x%20y"],
        ports: [443, 80],
      },
      auth: {
        type: "apiKey",
        name: "PRIVATE-TOKEN",
        credential: " gh ",
        substitutions: [{ credential: "gh", placeholder: " __x__ ", in: [" Path", "path", "BODY"] }],
      },
    };
    const [read] = valueOf(parseRequest(requestOf({ bindings: [binding] }))).bindings;
    expect(read?.name).toBe("b");
    expect(read?.match.hosts.map(renderHostPattern)).toEqual(["api.example.org", "*.example.org"]);
    expect(read?.match).toMatchObject({
      schemes: ["https", "http"],
      methods: ["GET", "PURGE"],
      paths: ["/v1/*", "/x%20y"],
    });
    expect(read?.match).not.toHaveProperty("ports");
    expect(read?.auth).toEqual({ type: "apiKey", name: "Private-Token", credential: "gh" });
    expect(read?.substitutions).toEqual([
      { credential: "gh", placeholder: " __x__ ", surfaces: ["path", "body"] },
    ]);
  });

  test.each([undefined, null, "", "inline"])("a source of the type %j is inline", (type) => {
    const { credentials } = valueOf(
      parseRequest(requestOf({ credentials: [{ name: "gh", source: { type, value: ` ${VALUE} ` } }] })),
    );
    const [source] = credentials.map((one) => one.source);
    expect(source?.type === "inline" && source.value.reveal()).toBe(` ${VALUE} `);
  });

  test.each([
    [
      { type: "env", variable: "GH_TOKEN" },
      { type: "env", variable: "GH_TOKEN" },
    ],
    [
      { type: "file", path: "/run/secrets/gh" },
      { type: "file", path: "/run/secrets/gh", refreshAfterSeconds: undefined },
    ],
    [
      { type: "command", command: ["gh", "auth", "token"], refreshAfter: 300 },
      { type: "command", command: ["gh", "auth", "token"], refreshAfterSeconds: 300 },
    ],
  ])("the source %j", (source, read) => {
    const { credentials } = valueOf(parseRequest(requestOf({ credentials: [{ name: "gh", source }] })));
    expect(credentials).toEqual([{ name: "gh", source: read }]);
  });

  test.each(["{}", '{"credentials":null,"bindings":null}', '{"credentials":[],"bindings":[]}'])(
    "%s is a vault with nothing in it",
    (text) => {
      expect(valueOf(parseRequest(text))).toEqual({ credentials: [], bindings: [] });
    },
  );

  test("every type of auth takes substitutions", () => {
    const substitutions = [{ credential: "gh", placeholder: "__x__", in: ["header"] }];
    const auths = [
      { type: "bearer", credential: "gh" },
      { type: "basic", credential: "gh", name: null, headers: [] },
      { type: "apiKey", name: "X-Api-Key", credential: "gh" },
      { type: "customHeaders", headers: [{ name: "X-One", credential: "gh" }] },
      { type: "passthrough" },
    ];
    const bindings = auths.map((auth, index) => ({
      ...BINDING,
      name: `b${index}`,
      auth: { ...auth, substitutions },
    }));
    const read = valueOf(parseRequest(requestOf({ bindings })));
    expect(read.bindings.map((one) => one.auth.type)).toEqual(auths.map(({ type }) => type));
    expect(read.bindings.every((one) => one.substitutions.length === 1)).toBe(true);
  });
});

describe("a request is refused with the place of what is wrong, and without a value", () => {
  const credential = (source: unknown): string => requestOf({ credentials: [{ name: "gh", source }] });
  const binding = (part: object): string => requestOf({ bindings: [{ ...BINDING, ...part }] });
  const match = (part: object): string => binding({ match: { ...MATCH, ...part } });
  const auth = (part: object): string => binding({ auth: part });
  const substituted = (part: object): string =>
    auth({
      type: "passthrough",
      substitutions: [{ credential: "gh", placeholder: "__x__", in: ["path"], ...part }],
    });

  test.each([
    ["", "the body is empty"],
    ["  ", "the body is empty"],
    [`{"credentials":[{"name":"gh","source":{"value":"${VALUE}"}}`, "the body is not JSON"],
    [`${requestOf({})}${VALUE}`, "the body is not JSON"],
    ["null", "must be an object with credentials and bindings"],
    [`["${VALUE}"]`, "must be an object with credentials and bindings"],
    [`{"credentials":"${VALUE}"}`, "credentials: must be a list"],
    [`{"credential":[]}`, 'has the unknown field "credential"'],
    [requestOf({ credentials: [{ ...GH, extra: VALUE }] }), 'credentials[0]: has the unknown field "extra"'],
    [
      requestOf({ credentials: [{ source: GH.source }] }),
      "credentials[0].name: is missing, must be a string",
    ],
    [requestOf({ credentials: [{ ...GH, name: " \t" }] }), "credentials[0].name: is blank"],
    [requestOf({ credentials: [{ name: "gh" }] }), "credentials[0].source: must be an object such as"],
    [credential(VALUE), "credentials[0].source: must be an object such as"],
    [credential({ type: "inline" }), "credentials[0].source.value: is missing, must be a string"],
    [credential({ value: 7 }), "credentials[0].source.value: must be a string"],
    [credential({ value: "" }), "credentials[0].source.value: is empty"],
    [credential({ value: " \t" }), "credentials[0].source.value: is blank"],
    [credential({ value: `${VALUE}\r\nX: y` }), "credentials[0].source.value: holds a line break"],
    [credential({ value: `${VALUE}\n` }), "credentials[0].source.value: holds a line break"],
    [credential({ value: `${VALUE}\0` }), "credentials[0].source.value: holds a control character"],
    [credential({ value: `${VALUE}\u007F` }), "credentials[0].source.value: holds a control character"],
    [credential({ value: `${VALUE}\uD800` }), "credentials[0].source.value: holds a control character"],
    [
      credential({ value: "x".repeat((64 << 10) + 1) }),
      "credentials[0].source.value: has more than 65536 octets",
    ],
    [
      credential({ type: "inline", value: VALUE, path: "/x" }),
      'credentials[0].source: has the unknown field "path"',
    ],
    [
      credential({ type: "http", url: "https://vault.example.org" }),
      "must have the type inline, env, file or command",
    ],
    [credential({ type: "env" }), "credentials[0].source.variable: is missing"],
    [credential({ type: "env", variable: "A=B" }), "is no variable's name"],
    [credential({ type: "env", variable: "OPENSANDBOX_EGRESS_TOKEN" }), "is a setting of the sidecar"],
    [credential({ type: "env", variable: "X", refreshAfter: 5 }), 'has the unknown field "refreshAfter"'],
    [
      credential({ type: "file", path: "secrets/gh" }),
      "credentials[0].source.path: must be an absolute path",
    ],
    [
      credential({ type: "command", command: "gh auth token" }),
      "credentials[0].source.command: must be a list",
    ],
    [credential({ type: "command", command: [] }), "must be a list of a program and its arguments"],
    [credential({ type: "command", command: ["gh", "a\0b"] }), "credentials[0].source.command[1]: holds NUL"],
    [
      credential({ type: "command", command: ["gh"], refreshAfter: 0 }),
      "must be a whole number of seconds from 1 to 86400",
    ],
    [
      credential({ type: "command", command: ["gh"], refreshAfter: 1.5 }),
      "must be a whole number of seconds from 1 to 86400",
    ],
    [
      credential({ type: "command", command: ["gh"], refreshAfter: "5m" }),
      "must be a whole number of seconds from 1 to 86400",
    ],
    [binding({ match: undefined }), "bindings[0].match: is missing, must be an object"],
    [binding({ expires: 5 }), 'bindings[0]: has the unknown field "expires"'],
    [match({ hosts: [] }), "bindings[0].match.hosts: is missing, must be a list of at least one host"],
    [match({ hosts: ["localhost"] }), "bindings[0].match.hosts[0]:"],
    [match({ hosts: ["192.0.2.7"] }), "is an address"],
    [match({ schemes: ["ftp"] }), 'bindings[0].match.schemes[0]: "ftp" must be https or http'],
    [match({ methods: ["GET /"] }), 'bindings[0].match.methods[0]: "GET /" is no method'],
    [match({ paths: ["v1/*"] }), 'bindings[0].match.paths[0]: "v1/*" must begin with /'],
    [match({ paths: ["/v1?x=1"] }), "bindings[0].match.paths[0]:"],
    [match({ paths: ["/v1/\u00E9"] }), "bindings[0].match.paths[0]:"],
    [match({ ports: [8443] }), "bindings[0].match.ports[0]: unsupported port 8443: "],
    [match({ query: {} }), 'bindings[0].match: has the unknown field "query"'],
    [
      match({ hosts: Array.from({ length: 257 }, (_, n) => `h${n}.example.org`) }),
      "hosts: has more than 256 items",
    ],
    [
      auth({ type: "digest", credential: "gh" }),
      "bindings[0].auth.type: must be bearer, basic, apiKey, customHeaders or passthrough",
    ],
    [auth({ credential: "gh" }), "bindings[0].auth.type: is missing, must be a string"],
    [auth({ type: "bearer" }), "bindings[0].auth.credential: is missing, the type bearer needs it"],
    [
      auth({ type: "bearer", credential: "gh", name: "X-A" }),
      "bindings[0].auth.name: is not taken by the type bearer",
    ],
    [
      auth({ type: "apiKey", credential: "gh" }),
      "bindings[0].auth.name: is missing, the type apiKey needs it",
    ],
    [
      auth({ type: "customHeaders", headers: [] }),
      "bindings[0].auth.headers: is missing, the type customHeaders needs it",
    ],
    [
      auth({ type: "passthrough", credential: "gh" }),
      "bindings[0].auth.credential: is not taken by the type passthrough",
    ],
    [
      auth({
        type: "customHeaders",
        headers: [
          { name: "X-One", credential: "gh" },
          { name: "x-one", credential: "gh" },
        ],
      }),
      'bindings[0].auth.headers: name "X-One" twice',
    ],
    [
      auth({ type: "apiKey", name: "X One", credential: "gh" }),
      'bindings[0].auth.name: "X One" is no header name',
    ],
    [auth({ type: "apiKey", name: "X-One\r\nY", credential: "gh" }), "is no header name"],
    [substituted({ in: [] }), "bindings[0].auth.substitutions[0].in: is missing"],
    [substituted({ in: ["cookie"] }), '"cookie" must be path, query, header or body'],
    [substituted({ placeholder: "  " }), "bindings[0].auth.substitutions[0].placeholder: is blank"],
    [substituted({ placeholder: "a\nb" }), "placeholder: holds a control character"],
    [
      auth({
        type: "passthrough",
        substitutions: [
          { credential: "gh", placeholder: VALUE, in: ["path", "header"] },
          { credential: "other", placeholder: VALUE, in: ["header"] },
        ],
      }),
      "bindings[0].auth.substitutions: have the same placeholder twice in the header",
    ],
  ])("%s", (text, message) => {
    const problems = problemsOf(text);
    expect(problems).toContain(message);
    expect(problems).not.toContain(VALUE);
  });

  test.each([
    "Host",
    "content-length",
    "Content-Type",
    "Transfer-Encoding",
    "Connection",
    "Keep-Alive",
    "Upgrade",
    "HTTP2-Settings",
    "TE",
    "Trailer",
    "Expect",
    "Via",
    "Forwarded",
    "Proxy-Authorization",
    "Proxy-Authenticate",
    "proxy-connection",
    "X-Forwarded-For",
    "x-forwarded-host",
    "X_Forwarded_For",
    "Content_Length",
    "X-Forwarded-Proto",
  ])("the header %s", (name) => {
    expect(problemsOf(auth({ type: "apiKey", name, credential: "gh" }))).toContain(
      "is a header that no credential may be put into",
    );
  });
});
