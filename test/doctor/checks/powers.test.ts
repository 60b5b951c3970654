import { expect, test } from "vitest";
import { advise } from "../../../src/doctor/advice.ts";
import { isOperatorsPlace, judgePowers } from "../../../src/doctor/checks/powers.ts";
import { Capability, readCapabilities } from "../../../src/sys/capabilities.ts";

const [NET_ADMIN, NET_RAW] = [Capability.netAdmin, Capability.netRaw];

const having = (...bounding: readonly number[]) => ({
  effective: new Set<number>(),
  bounding: new Set(bounding),
});

test("a workload with neither powers nor the socket is held", () => {
  const standing = { capabilities: having(NET_RAW), reachesSocket: false, isOperator: false };
  expect(judgePowers(standing).map(({ outcome }) => outcome)).toEqual(["held", "held"]);
});

test("a power that a program could ever get is open, and named", () => {
  const standing = {
    capabilities: having(NET_ADMIN, Capability.bpf),
    reachesSocket: false,
    isOperator: false,
  };
  expect(judgePowers(standing)).toMatchObject([
    { outcome: "open", detail: "CAP_NET_ADMIN, CAP_BPF: a process here can remove the rules" },
    { outcome: "held" },
  ]);
});

test("so is the sidecar's socket in a workload's reach", () => {
  const standing = { capabilities: having(), reachesSocket: true, isOperator: false };
  expect(judgePowers(standing)).toMatchObject([{ outcome: "held" }, { outcome: "open" }]);
});

test("an operator's own powers say nothing", () => {
  const standing = { capabilities: having(NET_ADMIN), reachesSocket: true, isOperator: true };
  expect(judgePowers(standing)).toMatchObject([{ outcome: "untried" }]);
});

test.each([
  [having(NET_ADMIN), true, true],
  [having(NET_ADMIN), false, false],
  [having(NET_RAW), true, false],
])(
  "only where both capability and socket are there it is the sidecar's own container",
  (capabilities, reachesSocket, is) => {
    expect(isOperatorsPlace({ capabilities, reachesSocket })).toBe(is);
  },
);

test("what no rule is there for is advised against", () => {
  const all = { hasVsock: true, hasUserNamespaces: true, hasOpenSettings: true };
  const none = { hasVsock: false, hasUserNamespaces: false, hasOpenSettings: false };
  const advice = advise({ ...all, capabilities: having(NET_RAW) });
  expect(advice.map((one) => one.split(" ").slice(0, 2).join(" "))).toEqual([
    "CAP_NET_RAW can",
    "AF_VSOCK sockets",
    "user namespaces",
    "the network's",
  ]);
  expect(advise({ ...none, capabilities: having() })).toEqual([]);
});

test("capabilities are read as the kernel writes them", () => {
  const status = "CapPrm:\t0000000000000000\nCapEff:\t0000000000003000\nCapBnd:\t0000008000002000\n";
  const { effective, bounding } = readCapabilities(status);
  expect([...effective]).toEqual([NET_ADMIN, NET_RAW]);
  expect([...bounding]).toEqual([NET_RAW, Capability.bpf]);
});
