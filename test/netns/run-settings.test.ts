/** `egress run` in an environment with settings of a sidecar: none of them weakens it in silence. */
import { expect, test } from "vitest";
import { useLab } from "../support/use-lab.ts";
import { useMachine } from "../support/use-machine.ts";

const lab = useLab({ ipv6: false });
const machine = useMachine(lab);

const ask = (url: string) => ["sh", "-c", `curl -sS -m 4 ${url} 2>&1 || true`] as const;

test("a mode that holds no address is refused, and nothing is set up", async () => {
  const env = { OPENSANDBOX_EGRESS_MODE: "dns" };
  const result = await machine.run(["--quiet", "--", ...ask("http://198.51.100.2/")], { env });
  expect(result).toMatchObject({ exitCode: 125, stdout: "" });
  expect(result.stderr).toMatch(/^egress run: OPENSANDBOX_EGRESS_MODE: is dns, .*: unset it.*\n$/);
});

test("what weakens a run is told with --quiet, too", async () => {
  const env = { OPENSANDBOX_EGRESS_WIRE_NAMES: "off", OPENSANDBOX_EGRESS_INBOUND_UDP: "true" };
  const { exitCode, stderr } = await machine.run(["--quiet", "--", "true"], { env });
  expect(exitCode).toBe(0);
  expect(stderr).toContain("egress run: OPENSANDBOX_EGRESS_WIRE_NAMES is set: connections are not judged");
  expect(stderr).toContain("egress run: OPENSANDBOX_EGRESS_INBOUND_UDP is set: UDP from outside");
});

test("an API for everybody, a policy of the environment's and its log are not the run's", async () => {
  const env = {
    OPENSANDBOX_EGRESS_RULES: '{"defaultAction":"allow","egress":[]}',
    OPENSANDBOX_EGRESS_HTTP_ADDR: ":18080",
    OPENSANDBOX_EGRESS_TOKEN: "known",
    OPENSANDBOX_EGRESS_ALLOW_LOCAL_WRITES: "true",
    OPENSANDBOX_EGRESS_LOG_LEVEL: "error",
    OPENSANDBOX_EGRESS_LOOKUP_LINES_PER_SECOND: "1",
  };
  const header = "OPENSANDBOX-EGRESS-AUTH: known";
  const rule = '[{"action":"allow","target":"198.51.100.2"}]';
  const script = `for port in 18080 1; do
  curl -sS -m 4 -X PATCH -H '${header}' -d '${rule}' http://127.0.0.1:$port/policy || true
done
curl -sS -m 4 http://198.51.100.2/ || true; dig +short one.example.org two.example.org`;
  const { stdout, stderr } = await machine.run(["--", "sh", "-c", script], { env });
  expect(stdout).not.toContain("hello");
  expect(stderr).toContain("denied 198.51.100.2");
  for (const name of ["one", "two"]) expect(stderr).toContain(`denied ${name}.example.org`);
});
