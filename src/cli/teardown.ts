import { readSocketPath } from "../config.ts";
import { describe } from "../enforcement/errors.ts";
import { removeApiRedirect } from "../netfilter/io/api-redirect.ts";
import { removeInterceptRedirect } from "../netfilter/io/intercept-redirect.ts";
import { removeInterfaceDoor } from "../netfilter/io/interface-door.ts";
import { createNftApplier } from "../netfilter/io/nft.ts";
import { listEveryTable } from "../netfilter/io/tables.ts";
import { EVERY_TABLE } from "../netfilter/kernel-names.ts";
import { hasNetAdmin } from "../sys/namespace-facts.ts";
import { holdersFileBeside } from "../xdp/io/holders-file.ts";
import { releaseHeldQueues } from "../xdp/io/open-held-queues.ts";
import type { CliContext } from "./context.ts";
import { EXIT } from "./exit-codes.ts";

/**
 * `egress teardown`: removes every table of ours from this network namespace, lets the queues of its
 * interfaces go, and nothing else. The sandbox is open then. While a sidecar runs there it is refused.
 */
export async function teardown({ env, print, warn }: CliContext): Promise<number> {
  if (!hasNetAdmin()) {
    warn("egress: CAP_NET_ADMIN is missing\n");
    return EXIT.config;
  }
  try {
    const hadTables = listEveryTable().some((name) => EVERY_TABLE.has(name));
    if (!removeApiRedirect()) {
      warn(
        "egress: a sidecar runs in this network namespace, and would load its rules again: end it first; nothing was removed\n",
      );
      return EXIT.unavailable;
    }
    // First: some nft(8) never end at a chain whose hooks they cannot read, if anybody has put a rule into
    // it.
    removeInterfaceDoor();
    removeInterceptRedirect();
    await createNftApplier().teardown();
    const hadQueues = releaseHeldQueues(holdersFileBeside(readSocketPath(env)));
    const outcome = hadTables || hadQueues ? "our tables are removed" : "there was nothing of ours";
    print(`egress: ${outcome}; nothing is enforced in this network namespace\n`);
    return EXIT.ok;
  } catch (error) {
    warn(`egress: ${describe(error)}\n`);
    return EXIT.software;
  }
}
