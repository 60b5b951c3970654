/** Two sidecars are started in one network namespace in the same instant. */
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab({ per: "test" });
const NAMES = ["one.example.org", "two.example.org"] as const;

const isReady = ({ output }: Sidecar): boolean => output().includes("egress sidecar ready");

test.each([1, 2, 3])(
  "one of them serves, the other ends and says why, and the one's policy holds (%i)",
  async () => {
    const sidecars = await Promise.all(
      NAMES.map((name, index) =>
        lab.startSidecar({
          policy: { egress: [{ action: "allow", target: name }] },
          env: {
            OPENSANDBOX_EGRESS_SOCKET: join(lab.stateFolder, String(index), "egress.sock"),
            OPENSANDBOX_EGRESS_POLICY_FILE: undefined,
          },
          awaitHealth: false,
        }),
      ),
    );
    const ends = sidecars.map(({ exit }, index) => exit.then((end) => ({ index, end })));
    const { index, end } = await Promise.race(ends);
    expect(end).toEqual({ exitCode: 78, signal: undefined });
    expect(sidecars[index]?.output()).toMatch(/another sidecar/);
    const survivor = 1 - index;
    const { [survivor]: served } = sidecars;
    await until("the other one is ready", () => served !== undefined && isReady(served));
    const rcodes = async (): Promise<readonly (string | undefined)[]> =>
      Promise.all(NAMES.map(async (name) => (await lab.dig(name, "A")).rcode));
    const wanted = NAMES.map((_, at) => (at === survivor ? "NOERROR" : "NXDOMAIN"));
    await until("its policy holds", async () => JSON.stringify(await rcodes()) === JSON.stringify(wanted));
    await until("what it allows is reached", async () => {
      const { status } = await lab.curl(`http://${NAMES[survivor] ?? ""}/`);
      return status === 200;
    });
  },
);
