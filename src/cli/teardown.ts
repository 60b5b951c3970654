import { describe } from "../enforcement/errors.ts";
import { createNftApplier } from "../netfilter/io/nft.ts";
import { hasNetAdmin } from "../sys/namespace-facts.ts";
import { EXIT } from "./exit-codes.ts";

/** `egress teardown`: removes every table of ours from this network namespace, and nothing else. The sandbox is open then. */
export async function teardown(): Promise<number> {
  if (!hasNetAdmin()) {
    process.stderr.write("egress: CAP_NET_ADMIN is missing\n");
    return EXIT.config;
  }
  try {
    await createNftApplier().teardown();
    process.stdout.write("egress: our tables are removed; nothing is enforced in this network namespace\n");
    return EXIT.ok;
  } catch (error) {
    process.stderr.write(`egress: ${describe(error)}\n`);
    return EXIT.software;
  }
}
