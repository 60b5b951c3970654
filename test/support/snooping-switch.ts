/**
 * A Linux bridge between sandbox and internet that passes groups on to those only who have reported that they
 * listen, as switches do (RFC 4541).
 */
import { z } from "zod";
import { configure, createNamespace, execIn, type OwnedNamespace } from "../../src/netns/namespace.ts";
import { createVethPair } from "../../src/netns/veth.ts";
import type { LinkEnds } from "./lab.ts";
import { until } from "./until.ts";

/**
 * As short as the kernel lets them be: it asks who listens each second, and forgets who has not said so for
 * three.
 */
const INTERVALS =
  "mcast_query_interval 100 mcast_startup_query_interval 100 mcast_query_response_interval 50 mcast_membership_interval 300";
const TO_SANDBOX = "sandbox0";
const TO_INTERNET = "internet0";
/** A group that nobody is in. */
const WITNESS = "ff02::1:ff77:7777";

const groupsShape = z.array(z.object({ mdb: z.array(z.object({ port: z.string(), grp: z.string() })) }));

export interface SnoopingSwitch extends AsyncDisposable {
  /** For {@link LabOptions}; once. */
  join(ends: LinkEnds): Promise<AsyncDisposable>;
  /** Groups that it takes the sandbox to listen to. */
  groups(): Promise<readonly string[]>;
  /** Settles when all who have not reported since the call are forgotten. */
  membershipsRunOut(): Promise<void>;
}

export function createSnoopingSwitch(): SnoopingSwitch {
  let namespace: OwnedNamespace | undefined;
  const inside = (): OwnedNamespace => {
    if (namespace === undefined) throw new Error("the switch joins nobody yet");
    return namespace;
  };
  async function groupsOf(port: string): Promise<readonly string[]> {
    const { stdout } = await execIn(inside(), ["bridge", "-j", "mdb", "show"]);
    const [shown] = groupsShape.parse(JSON.parse(stdout));
    return (shown?.mdb ?? []).filter((entry) => entry.port === port).map(({ grp }) => grp);
  }
  return {
    async join({ sandbox, internet }) {
      const made = await createNamespace("switch");
      namespace = made;
      // Its own link-local address is what it asks from.
      await configure(made, [
        `link add br0 type bridge mcast_snooping 1 mcast_querier 1 ${INTERVALS}`,
        "link set br0 up",
      ]);
      await createVethPair({ namespace: made, device: TO_SANDBOX, addresses: [] }, sandbox);
      await createVethPair({ namespace: made, device: TO_INTERNET, addresses: [] }, internet);
      await configure(
        made,
        [TO_SANDBOX, TO_INTERNET].map((device) => `link set ${device} master br0`),
      );
      return made;
    },
    groups: () => groupsOf(TO_SANDBOX),
    async membershipsRunOut() {
      const entry = ["dev", "br0", "port", TO_INTERNET, "grp", WITNESS, "temp"];
      await execIn(inside(), ["bridge", "mdb", "add", ...entry]);
      await until("the witness is known", async () => (await groupsOf(TO_INTERNET)).includes(WITNESS));
      await until(
        "the witness is forgotten",
        async () => !(await groupsOf(TO_INTERNET)).includes(WITNESS),
        30_000,
      );
    },
    async [Symbol.asyncDispose]() {
      await namespace?.[Symbol.asyncDispose]();
    },
  };
}
