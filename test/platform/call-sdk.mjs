/**
 * One call of the platform's JavaScript SDK: a JSON object as the argument, its answer as JSON on standard
 * output.
 */
import { Sandbox } from "@alibaba-group/opensandbox";

async function answer({ domain, id, do: action, rules, targets }) {
  const sandbox = await Sandbox.connect({
    sandboxId: id,
    connectionConfig: { domain, protocol: "http" },
    skipHealthCheck: true,
  });
  if (action === "get") return await sandbox.getEgressPolicy();
  if (action === "patch") return await sandbox.patchEgressRules(rules);
  return await sandbox.deleteEgressRules(targets);
}

const told = await answer(JSON.parse(process.argv[2] ?? "{}")).then(
  (given) => ({ answer: given ?? null }),
  (error) => ({ error: error instanceof Error ? error.message : String(error) }),
);
process.stdout.write(JSON.stringify(told));
process.exit();
