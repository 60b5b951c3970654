/** The Kubernetes manifests against the published schemas, and what their rules say. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from "kubernetes-models/admissionregistration.k8s.io/v1";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import { ConfigMap, Pod } from "kubernetes-models/v1";
import { PodMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  type KubernetesObject,
  listDeployFiles,
  readObject,
  readObjects,
  readRulesConfigMap,
  readSandboxPod,
} from "../support/deploy-files.ts";

const FOLDER = "kubernetes/";
const KUSTOMIZATION = `${FOLDER}kustomization.yaml`;
const MANIFESTS = listDeployFiles("kubernetes").filter((path) => path !== KUSTOMIZATION);

const validate = (Model: new (data: never) => { validate(): void }) => (object: KubernetesObject) =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- whether it is one is what is asked
  new Model(object as never).validate();
const SCHEMAS: Readonly<Record<string, (object: KubernetesObject) => void>> = {
  "v1 ConfigMap": validate(ConfigMap),
  "v1 Pod": validate(Pod),
  "networking.k8s.io/v1 NetworkPolicy": validate(NetworkPolicy),
  "monitoring.coreos.com/v1 PodMonitor": validate(PodMonitor),
  "admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy": validate(ValidatingAdmissionPolicy),
  "admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding": validate(
    ValidatingAdmissionPolicyBinding,
  ),
};

function check(object: KubernetesObject): void {
  const schema = SCHEMAS[`${object.apiVersion} ${object.kind}`];
  if (schema === undefined) throw new Error(`no schema for ${object.apiVersion} ${object.kind}`);
  schema(object);
}

const OBJECTS = MANIFESTS.flatMap((path) =>
  readObjects(path).map((object) => [`${path} ${object.kind}`, object] as const),
);

test.each(OBJECTS)("%s is what its schema says", (_, object) => {
  expect(() => check(object)).not.toThrow();
});

test.each(OBJECTS)("%s with a value of another kind is not", (_, object) => {
  expect(() => check({ ...object, metadata: "text" })).toThrow(/metadata/);
});

test("a key that Pods do not have is refused, deep inside too", () => {
  const pod = readSandboxPod();
  const [sidecar] = pod.spec.initContainers;
  const containers = [{ ...sidecar, startupProbe: { httpGet: { port: [] } } }];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- read as one above
  const broken = { ...pod, spec: { ...pod.spec, initContainers: containers } } as unknown as KubernetesObject;
  expect(() => check(broken)).toThrow(/port/);
});

test("the kustomization lists each manifest, and makes the Secret that the others name", () => {
  const { resources, secretGenerator } = z
    .looseObject({
      resources: z.array(z.string()),
      secretGenerator: z.array(z.looseObject({ name: z.string(), envs: z.array(z.string()) })),
    })
    .parse(readObject(KUSTOMIZATION, "Kustomization"));
  expect(resources.map((name) => FOLDER + name).sort()).toEqual(MANIFESTS);
  expect(secretGenerator).toMatchObject([{ name: "egress", options: { disableNameSuffixHash: true } }]);
  const [sidecar] = readSandboxPod().spec.initContainers;
  expect(sidecar?.env).toContainEqual({
    name: "OPENSANDBOX_EGRESS_TOKEN",
    valueFrom: { secretKeyRef: { name: "egress", key: "token" } },
  });
  expect(readObject(`${FOLDER}pod-monitor.yaml`, "PodMonitor")).toMatchObject({
    spec: { podMetricsEndpoints: [{ authorization: { credentials: { name: "egress", key: "token" } } }] },
  });
});

test("no manifest holds a Secret", () => {
  expect(OBJECTS.filter(([, { kind }]) => kind === "Secret")).toEqual([]);
});

test("the ConfigMap's deny.always is the shipped one", () => {
  const shipped = fileURLToPath(new URL("../../rules/deny.always", import.meta.url));
  expect(readRulesConfigMap()).toEqual({ "deny.always": readFileSync(shipped, "utf8") });
});

test("the sidecar waits for nobody, the others for it; its root is read-only, its folders are its own", () => {
  const { spec } = readSandboxPod();
  expect(spec.initContainers).toMatchObject([
    {
      restartPolicy: "Always",
      startupProbe: { httpGet: { path: "/healthz" } },
      securityContext: { readOnlyRootFilesystem: true },
      volumeMounts: [
        { name: "run", mountPath: "/run" },
        { name: "rules", mountPath: "/var/egress/rules", readOnly: true },
      ],
    },
  ]);
  expect(spec["volumes"]).toMatchObject([{ name: "run", emptyDir: { medium: "Memory" } }, { name: "rules" }]);
  expect(spec.containers.filter((container) => "volumeMounts" in container)).toEqual([]);
});

describe("the network policy", () => {
  const portShape = z.object({
    port: z.number(),
    endPort: z.number().optional(),
    protocol: z.string().default("TCP"),
  });
  const { spec } = z
    .looseObject({
      spec: z.looseObject({
        ingress: z.array(z.object({ from: z.array(z.unknown()).optional(), ports: z.array(portShape) })),
      }),
    })
    .parse(readObject(`${FOLDER}network-policy.yaml`, "NetworkPolicy"));
  /** The ports of that protocol that everybody, or only some, may connect to. */
  const open = (protocol: string, toAll: boolean): ReadonlySet<number> =>
    new Set(
      spec.ingress
        .filter(({ from }) => (from === undefined) === toAll)
        .flatMap(({ ports }) => ports)
        .filter((each) => each.protocol === protocol)
        .flatMap(({ port, endPort = port }) =>
          Array.from({ length: endPort - port + 1 }, (__, n) => port + n),
        ),
    );

  test("closes the API's port to everybody but the callers, and no other", () => {
    const closed = (protocol: string): readonly number[] => {
      const toAll = open(protocol, true);
      return Array.from({ length: 65_535 }, (__, n) => n + 1).filter((port) => !toAll.has(port));
    };
    expect(closed("TCP")).toEqual([18_080]);
    expect(closed("UDP")).toEqual([]);
    expect([...open("TCP", false)]).toEqual([18_080]);
  });

  test("selects the sandbox", () => {
    const { metadata } = z
      .looseObject({ metadata: z.object({ labels: z.record(z.string(), z.string()) }) })
      .parse(readSandboxPod());
    expect(spec).toMatchObject({ podSelector: { matchLabels: metadata.labels }, policyTypes: ["Ingress"] });
  });
});
