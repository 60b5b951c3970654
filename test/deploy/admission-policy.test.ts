/**
 * The admission policy's expressions, evaluated as CEL: which pods are held, and which are refused and why.
 */
import { run } from "@bufbuild/cel";
import { expect, test } from "vitest";
import { z } from "zod";
import { readObject, readSandboxPod } from "../support/deploy-files.ts";

const PATH = "kubernetes/admission-policy.yaml";
const policyShape = z.looseObject({
  spec: z.looseObject({
    failurePolicy: z.literal("Fail"),
    variables: z.array(z.object({ name: z.string(), expression: z.string() })),
    validations: z.array(z.object({ expression: z.string(), message: z.string() })),
  }),
});
const { spec } = policyShape.parse(readObject(PATH, "ValidatingAdmissionPolicy"));

/**
 * The messages of the validations that do not hold. An expression that cannot be evaluated throws: the
 * cluster then refuses, too.
 */
function refusals(object: unknown): readonly string[] {
  const variables: Record<string, unknown> = {};
  const evaluate = (expression: string): unknown => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JSON, and what the evaluator gave before
    const value: unknown = run(expression, { object, variables } as Parameters<typeof run>[1]);
    if (value instanceof Error) throw value;
    return value;
  };
  for (const { name, expression } of spec.variables) variables[name] = evaluate(expression);
  return spec.validations
    .filter(({ expression }) => evaluate(expression) !== true)
    .map(({ message }) => message);
}

const POD = readSandboxPod();
const SIDECAR = POD.spec.initContainers[0];
const WORKLOAD = { name: "workload", image: "example.org/workload" };
const HELD = { ...WORKLOAD, securityContext: { capabilities: { drop: ["NET_RAW", "NET_ADMIN"] } } };
const drop = (...names: string[]): object => ({
  ...WORKLOAD,
  securityContext: { capabilities: { drop: names } },
});
const held = (securityContext: object): object => ({
  ...WORKLOAD,
  securityContext: { capabilities: { drop: ["ALL"] }, ...securityContext },
});
const pod = (parts: object): unknown => ({
  spec: { initContainers: [SIDECAR], containers: [HELD], ...parts },
});

test.each([
  ["the shipped pod", POD],
  ["a container that drops ALL", pod({ containers: [drop("ALL")] })],
  [
    "a capability that containers have by default",
    pod({ containers: [held({ capabilities: { drop: ["ALL"], add: ["CHOWN"] } })] }),
  ],
  [
    "another init container after the sidecar",
    pod({ initContainers: [SIDECAR, { ...HELD, name: "setup" }] }),
  ],
  ["an ephemeral container that drops both", pod({ ephemeralContainers: [{ ...HELD, name: "debug" }] })],
  [
    "what is switched off in words",
    pod({
      hostNetwork: false,
      hostPID: false,
      shareProcessNamespace: false,
      containers: [held({ privileged: false })],
    }),
  ],
])("%s is admitted", (_, object) => {
  expect(refusals(object)).toEqual([]);
});

const FIRST = /first init container/;
const DROP = /must drop NET_RAW and NET_ADMIN/;
const ADD = /may add a capability/;
const SHARED = /may share/;

test.each([
  ["no sidecar", { spec: { containers: [HELD] } }, FIRST],
  ["a sidecar that is not the first", pod({ initContainers: [{ ...HELD, name: "setup" }, SIDECAR] }), FIRST],
  ["a sidecar that ends", pod({ initContainers: [{ ...SIDECAR, restartPolicy: undefined }] }), FIRST],
  [
    "a sidecar that nobody waits for",
    pod({ initContainers: [{ ...SIDECAR, startupProbe: undefined }] }),
    FIRST,
  ],
  ["a container without a security context", pod({ containers: [WORKLOAD] }), DROP],
  ["a container that drops nothing", pod({ containers: [held({ capabilities: {} })] }), DROP],
  ["a container that drops NET_RAW alone", pod({ containers: [drop("NET_RAW")] }), DROP],
  ["a container that drops NET_ADMIN alone", pod({ containers: [drop("NET_ADMIN")] }), DROP],
  ["the second of two containers", pod({ containers: [HELD, WORKLOAD] }), DROP],
  ["an init container", pod({ initContainers: [SIDECAR, WORKLOAD] }), DROP],
  ["an ephemeral container", pod({ ephemeralContainers: [WORKLOAD] }), DROP],
  ["a container with the sidecar's name", pod({ containers: [{ ...WORKLOAD, name: "egress" }] }), DROP],
  [
    "what is dropped and added again",
    pod({ containers: [held({ capabilities: { drop: ["ALL"], add: ["NET_RAW"] } })] }),
    ADD,
  ],
  ["SYS_ADMIN", pod({ containers: [held({ capabilities: { drop: ["ALL"], add: ["SYS_ADMIN"] } })] }), ADD],
  [
    "a capability in other letters",
    pod({ containers: [held({ capabilities: { drop: ["ALL"], add: ["cap_net_admin"] } })] }),
    ADD,
  ],
  ["a privileged container", pod({ containers: [held({ privileged: true })] }), /privileged/],
  ["the machine's network", pod({ hostNetwork: true }), SHARED],
  ["the machine's processes", pod({ hostPID: true }), SHARED],
  ["shared processes", pod({ shareProcessNamespace: true }), SHARED],
])("%s is refused", (_, object, message) => {
  expect(refusals(JSON.parse(JSON.stringify(object)))).toEqual([expect.stringMatching(message)]);
});

test("the binding denies, in the namespaces that ask for it", () => {
  expect(readObject(PATH, "ValidatingAdmissionPolicyBinding")).toMatchObject({
    spec: {
      policyName: "egress-held",
      validationActions: ["Deny"],
      matchResources: { namespaceSelector: { matchLabels: { "egress.example.org/held": "true" } } },
    },
  });
});
