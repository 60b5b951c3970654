/** The files of `deploy/`, as its tests read them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { z } from "zod";

const DEPLOY = fileURLToPath(new URL("../../deploy", import.meta.url));

export function readDeployFile(path: string): string {
  return readFileSync(join(DEPLOY, path), "utf8");
}

export function listDeployFiles(folder = ""): readonly string[] {
  return readdirSync(join(DEPLOY, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "token.env")
    .map(({ parentPath, name }) => join(parentPath, name).slice(DEPLOY.length + 1))
    .sort();
}

const objectShape = z.looseObject({ apiVersion: z.string(), kind: z.string() });
export type KubernetesObject = z.infer<typeof objectShape>;

/** The objects of a YAML file; throws for what is not YAML, or is no Kubernetes object. */
export function readObjects(path: string): readonly KubernetesObject[] {
  return parseAllDocuments(readDeployFile(path)).map((document) => {
    if (document.errors.length > 0) throw new Error(`${path}: ${document.errors.join("; ")}`);
    return objectShape.parse(document.toJS());
  });
}

/** Throws unless the file holds one object of that kind. */
export function readObject(path: string, kind: string): KubernetesObject {
  const [object, ...more] = readObjects(path).filter((each) => each.kind === kind);
  if (object === undefined || more.length > 0) throw new Error(`${path} does not hold one ${kind}`);
  return object;
}

const containerShape = z.looseObject({
  name: z.string(),
  image: z.string(),
  env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })).default([]),
  securityContext: z.looseObject({
    readOnlyRootFilesystem: z.boolean().optional(),
    capabilities: z.object({ drop: z.array(z.string()), add: z.array(z.string()).default([]) }),
  }),
});
const podShape = z.looseObject({
  spec: z.looseObject({
    initContainers: z.array(containerShape),
    containers: z.array(containerShape),
  }),
});

export function readSandboxPod(): z.infer<typeof podShape> {
  return podShape.parse(readObject("kubernetes/sandbox.yaml", "Pod"));
}

export function readRulesConfigMap(): Readonly<Record<string, string>> {
  const map = readObject("kubernetes/deny-always.yaml", "ConfigMap");
  return z.looseObject({ data: z.record(z.string(), z.string()) }).parse(map).data;
}
