/**
 * Stores a policy and dies on the way: `node store-policy-child.ts rename|bind|full FILE STEP`. `bind` and
 * `full` mount, in a namespace of their own.
 */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { PersistError } from "../../../../src/enforcement/errors.ts";
import { createPolicyStorage } from "../../../../src/enforcement/change/io/policy-file.ts";
import { renderPolicyText } from "../../../../src/policy/policy-text.ts";
import { policyOf } from "../../../support/policy.ts";

const [kind = "", path = "", killAfter = ""] = process.argv.slice(2);

if (kind === "bind") execFileSync("mount", ["--bind", path, path]);
if (kind === "full") {
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=4k,nr_inodes=10", "tmpfs", dirname(path)]);
  execFileSync("sh", ["-c", `printf '{}' > ${path}`]);
}

const storage = createPolicyStorage(path, (step) => {
  if (step === killAfter) process.kill(process.pid, "SIGKILL");
});
try {
  const staged = await storage.stage(
    renderPolicyText(policyOf({ egress: [{ action: "allow", target: " Example.COM." }] })),
  );
  await staged.commit();
} catch (error) {
  if (!(error instanceof PersistError)) throw error;
  process.stdout.write(`${error.errno}\n${error.message}\nfiles ${readdirSync(dirname(path)).join(" ")}\n`);
}
