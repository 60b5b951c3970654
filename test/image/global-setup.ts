/**
 * Builds the image of this checkout's Dockerfile once for all test files of the project; removes all of it at
 * the end.
 */
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { makeBaseImage } from "./base-image.ts";
import { createEngine, type Engine, BUILD } from "./engine.ts";
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
  const base = await timed("its base", () => makeBaseImage(engine));
  await timed("the image", () => buildImage(engine));
  const sizes = `${await readMegabytes(engine, IMAGE)} MB, of which its base ${await readMegabytes(engine, base)}`;
  process.stdout.write(`image: ${sizes}, uncompressed\n`);
  project.provide("engineFolder", engine.folder);
  const all = made.move();
  return () => all.disposeAsync();
}

async function buildImage(engine: Engine): Promise<void> {
  const settings = await mountClientSettings(`${engine.folder}/clients`);
  await engine.require([...BUILD, `--tag=${IMAGE}`, ...settings, ROOT], { timeoutMs: 300_000 });
}

async function readMegabytes(engine: Engine, name: string): Promise<string> {
  const octets = await engine.require(["image", "inspect", "--format={{.Size}}", name]);
  return (Number(octets) / 1e6).toFixed(0);
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await work();
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(`image: ${what} made in ${seconds} s\n`);
  return result;
}
