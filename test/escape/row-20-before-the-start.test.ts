/** Row 20, with flows that were tracked before the sidecar was there. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { startDownload } from "../support/download.ts";
import { FAMILIES, skipWithoutFamily, urlOf } from "../support/families.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { attack, deniedAddress, leaksOf, macOf, POLICY } from "./attack.ts";

const lab = useLab({ per: "test" });

test.for(FAMILIES)(
  "row 20: a caller forged before the first start is not answered, $name",
  async (family, context) => {
    skipWithoutFamily(context, lab, family);
    // As in a container whose machine has rules of its own in it: flows are tracked before the sidecar is
    // there.
    const tracked =
      "table inet machine { chain output { type filter hook output priority 0; ct state new counter; }; }";
    await execIn(lab.sandbox, ["nft", "-f", "-"], { input: tracked });
    const denied = deniedAddress(family, 28);
    await attack(lab, "callers", "forge", denied, family.sandbox, await macOf(lab.sandbox));
    await lab.startSidecar({ policy: POLICY });
    const leaks = await leaksOf(lab, async () => {
      await attack(lab, "callers", "revive", denied, family.sandbox);
    });
    expect(leaks.filter(({ destination }) => destination === denied)).toEqual([]);
  },
);

/**
 * Keeps the workload's packets back before anyone tracks flows, so that the first one that is tracked comes
 * from the far end and conntrack takes the workload's own connection for a caller's.
 */
const HELD_BACK = `
  table inet held_back {
    chain output { type filter hook output priority -300; tcp dport 80 drop; }
  }
  table inet machine {
    counter callers { }
    chain input { type filter hook input priority 0; tcp sport 80 ct direction original counter name callers; }
  }`;

test.for(FAMILIES)(
  "row 20: a connection of the workload's own that seems to be a caller's goes no further, $name",
  async (family, context) => {
    skipWithoutFamily(context, lab, family);
    const download = await startDownload(lab, urlOf(family.nameless, "/slow"), family.flag);
    await execIn(lab.sandbox, ["nft", "-f", "-"], { input: HELD_BACK });
    await until("the far end seems to have spoken first", async () => {
      const { stdout } = await execIn(lab.sandbox, ["nft", "list", "counter", "inet", "machine", "callers"]);
      return /packets [1-9]/.test(stdout);
    });
    await execIn(lab.sandbox, ["nft", "delete", "table", "inet", "held_back"]);
    const before = download.octets();
    await until("the download goes on", () => download.octets() > before + 8_192);

    await lab.startSidecar({ policy: POLICY });
    const leaks = await leaksOf(lab, () => sleep(500));
    expect(leaks.filter(({ destination }) => destination === family.nameless)).toEqual([]);
    await until("the download has ended", () => download.hasEnded());
  },
);
