import { expect, test } from "vitest";
import { createBoundAdmission } from "../../../src/enforcement/interception/bound-admission.ts";
import { createVaultCell } from "../../../src/vault/vault.ts";
import { createVaultInForce } from "../../../src/vault/vault-in-force.ts";
import { nameOf } from "../../support/policy.ts";

const [BOUND, OTHER] = [nameOf("api.example.org"), nameOf("www.example.org")];
const ADDRESS = Uint8Array.of(198, 51, 100, 1);

/** What was asked of the two, in order. */
function start(refusing: { bound?: boolean; learned?: boolean } = {}) {
  const calls: string[] = [];
  const cell = createVaultCell();
  const admission = createBoundAdmission({
    vault: cell,
    learned: {
      learn: (qname) => void calls.push(`learn ${qname}`),
      commit() {
        calls.push("commit learned");
        return refusing.learned !== true;
      },
      epoch: () => 7,
    },
    bound: {
      give(qname) {
        calls.push(`give ${qname}`);
        return true;
      },
      commit() {
        calls.push("commit bound");
        if (refusing.bound === true) throw new Error("refused");
      },
    },
    onRefused: () => void calls.push("told"),
  });
  return { calls, cell, admission };
}

function bind(cell: ReturnType<typeof createVaultCell>): void {
  const match = {
    schemes: ["https" as const],
    hosts: [{ kind: "exact" as const, name: BOUND }],
    methods: ["GET"],
    paths: ["/*"],
  };
  const binding = {
    name: "b",
    match,
    auth: { type: "passthrough" as const },
    substitutions: [],
    headers: [],
    secrets: [],
    former: [],
    credentialIds: [],
    unavailable: undefined,
  };
  const rest = { revision: 1, tag: 1, credentialIds: new Set<number>(), secrets: [] };
  cell.write(createVaultInForce({ ...rest, bindings: [binding] }));
}

test("while nothing is bound, addresses are learned and nothing else is asked of them", () => {
  const { admission, calls } = start();
  admission.learn(BOUND, ADDRESS, 0, 4, 60);
  expect(calls).toEqual(["learn api.example.org"]);
});

test("an address of a bound name is led to the interceptor, and in force there first", () => {
  const { admission, calls, cell } = start();
  bind(cell);
  admission.learn(BOUND, ADDRESS, 0, 4, 60);
  admission.learn(OTHER, ADDRESS, 0, 4, 60);
  expect(admission.commit()).toBe(true);
  expect(calls).toEqual([
    "learn api.example.org",
    "give api.example.org",
    "learn www.example.org",
    "commit bound",
    "commit learned",
  ]);
  expect(admission.epoch()).toBe(7);
});

test.each([
  ["the interceptor's sets", { bound: true }, true],
  ["the learned ones", { learned: true }, false],
])(
  "an answer is held back where the kernel refuses it in %s, and both are done with",
  (_what, refusing, told) => {
    const { admission, calls, cell } = start(refusing);
    bind(cell);
    admission.learn(BOUND, ADDRESS, 0, 4, 60);
    expect(admission.commit()).toBe(false);
    expect(calls).toContain("commit learned");
    expect(calls.includes("told")).toBe(told);
  },
);
