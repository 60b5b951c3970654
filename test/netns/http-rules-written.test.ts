/**
 * docs/http-rules.md, typed: its rules by the API, its words on the command line, its egress.yaml under
 * `egress run`, with curl as the client.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { blockOf } from "../readme/markdown.ts";
import { API, useBoundHosts } from "../support/bound-hosts.ts";
import { createMachine, EGRESS } from "../support/machine.ts";
import type { Sidecar } from "../support/sidecar.ts";

const PAGE = readFileSync(fileURLToPath(new URL("../../docs/http-rules.md", import.meta.url)), "utf8");
const block = (tag: string): readonly string[] => blockOf(PAGE, tag).lines;

/** Without an option for it the command has it itself. */
const TOKEN = "s3cr3t-of-the-run";

/** What curl gets for each of these. */
const ASKED = ["GET /repos/a", "HEAD /repos/a", "POST /repos/a", "GET /user", "GET /admin/a"] as const;

function asked(request: string): readonly string[] {
  const [method = "", path = ""] = request.split(" ");
  return [...(method === "HEAD" ? ["-I"] : ["-X", method]), `https://${API}${path}`];
}

describe("beside a sidecar", () => {
  const on = useBoundHosts();
  const { lab } = on;
  const ALL = { action: "allow", target: "*.example.org" };

  /** With every host below example.org allowed and bound. */
  async function startBound(): Promise<Sidecar> {
    const sidecar = await on.start({ OPENSANDBOX_EGRESS_RULES: JSON.stringify({ egress: [ALL] }) });
    const match = { hosts: ["*.example.org"], schemes: ["https", "http"] };
    const body = { credentials: [], bindings: [{ name: "b", match, auth: { type: "passthrough" } }] };
    const { status, text } = await sidecar.api("POST", "/credential-vault", { body });
    expect([status, text]).toEqual([201, expect.any(String)]);
    return sidecar;
  }

  test("the rules of the page, sent to the API, and what is answered to a refused request", async () => {
    await using sidecar = await startBound();
    const rules = block("rules").map((line): unknown => JSON.parse(line));
    const body = { egress: [rules[1], rules[0], ALL] };
    const answer = await sidecar.api("POST", "/policy", { body });
    expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('"status":"ok"')]);
    const curl = ["--cacert", on.bundle(sidecar)];
    expect(await on.status(`https://${API}/repos/a`, ...curl)).toBe("200");
    const refused = await on.ask(`https://${API}/admin/a`, ...curl);
    expect(refused.answer).toEqual(JSON.parse(block("refused").join("\n")));
  });

  test("the words of the page, typed at a shell", async () => {
    await using sidecar = await startBound();
    const [allow = "", deny = "", remove = ""] = block("words");
    const type = async (line: string): Promise<void> => {
      const script = `egress() { ${EGRESS.join(" ")} "$@" --socket ${sidecar.socketPath}; }\n${line}`;
      expect(await execIn(lab.sandbox, ["sh", "-c", script])).toMatchObject({ exitCode: 0 });
    };
    const rules = async (): Promise<unknown> => (await sidecar.api("GET", "/policy")).json();
    await type(allow);
    await type(deny);
    const [first, second] = block("rules").map((line): unknown => JSON.parse(line));
    expect(await rules()).toMatchObject({ policy: { egress: [second, first, ALL] } });
    await type(remove);
    expect(await rules()).toMatchObject({ policy: { egress: [first, ALL] } });
  });
});

/** A sidecar leaves its rules where it was: this machine has none. */
describe("under egress run", () => {
  const on = useBoundHosts();

  test.for([
    ["without a secret", []],
    ["with a secret for the host", ["--secret", `TOKEN@${API}`]],
  ] as const)(
    "%s the page's egress.yaml lets pass what it names, and all else is 403",
    async ([, secret]) => {
      const file = join(on.lab.stateFolder, "egress.yaml");
      writeFileSync(file, `${block("run").join("\n")}\n`);
      const machine = createMachine(on.lab);
      const env = { TOKEN, OPENSANDBOX_EGRESS_MITMPROXY_UPSTREAM_EXTRA_CA: on.rootFile() };
      const ask = ASKED.map(
        (request) => `curl -sS -o /dev/null -w '%{http_code} ' ${asked(request).join(" ")}`,
      );
      const bearer = `curl -sS -H "Authorization: Bearer $TOKEN" -o /dev/null https://${API}/repos/bearer`;
      const command = ["sh", "-c", [...ask, bearer].join("\n")];
      let ended: Awaited<ReturnType<typeof machine.run>> | undefined;
      const seen = await on.requestsDuring(async () => {
        ended = await machine.run(["--config", file, ...secret, "--", ...command], { env });
      });
      expect(ended).toMatchObject({ exitCode: 0, stdout: "200 200 403 403 403 " });
      expect(seen.map(({ path, authorization }) => [path, authorization])).toEqual([
        ["/repos/a", undefined],
        ["/repos/a", undefined],
        ["/repos/bearer", `Bearer ${TOKEN}`],
      ]);
    },
  );
});
