/** Builds the image of this checkout's Dockerfile once for all test files of the project; removes all of it at the end. */
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { makeBaseImage } from "./base-image.ts";
import { createEngine, type Engine, LIMITS } from "./engine.ts";
import { mountClientSettings } from "./machine-clients.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const IMAGE = "localhost/egress:test";

declare module "vitest" {
  export interface ProvidedContext {
    engineFolder: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await using made = new AsyncDisposableStack();
  const engine = made.use(await createEngine());
  await timed("base image", () => makeBaseImage(engine));
  await timed("image", () => buildImage(engine));
  const format = "{{.Size}}";
  const octets = Number(await engine.require(["image", "inspect", "--format", format, IMAGE]));
  process.stdout.write(`image: ${String(Math.round(octets / 1e6))} MB, base included, uncompressed\n`);
  project.provide("engineFolder", engine.folder);
  const all = made.move();
  return () => all.disposeAsync();
}

async function buildImage(engine: Engine): Promise<void> {
  const settings = await mountClientSettings(`${engine.folder}/clients`);
  const options = [
    "--network",
    "host",
    "--pull=never",
    "--layers=false",
    "--format",
    "docker",
    "--tag",
    IMAGE,
  ];
  await engine.require(["build", ...LIMITS, ...options, ...settings, ROOT], { timeoutMs: 300_000 });
}

async function timed(what: string, work: () => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  await work();
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(`image: ${what} made in ${seconds} s\n`);
}
