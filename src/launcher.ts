#!/usr/bin/env node
/**
 * The command of the bundle: loads the bundle's other files, each with what V8 has compiled of it at the
 * build, so that a start compiles nothing. Node's own compile cache holds of a file only the functions that
 * are called at once, and keeps what it has read in memory.
 *
 * The build puts two lines before it, for whatever starts it: see `renderFirstLines` in `build.ts`.
 *
 * What is loaded later is loaded only as it was at the start: the command of `egress run` may be able to
 * write to this folder, and what it writes there is not for the run, or its sidecar, to execute.
 *
 * V8 refuses the code of another release of itself, and compiles the file. It tells other text by its length
 * alone: a file and its code come from one build.
 */
import { closeSync, fstatSync, openSync, readdirSync, readSync, type Stats, statSync } from "node:fs";
import { Script } from "node:vm";

type Load = (exports: object, require: (id: string) => object, folder: string) => void;

const FOLDER = import.meta.dirname;
/**
 * What tells a file as it was at the start; its owner can forge all of it but the time of its last change, in
 * milliseconds with a fraction: a double has a quarter of a microsecond.
 */
const state = ({ dev, ino, size, ctimeMs }: Stats): string => [dev, ino, size, ctimeMs].join();
const atStart = new Map(
  readdirSync(FOLDER).map((name) => {
    const file = `${FOLDER}/${name}`;
    return [file, state(statSync(file))] as const;
  }),
);
const loaded = new Map<string, { readonly exports: object }>();

function load(file: string): object {
  const known = loaded.get(file);
  if (known !== undefined) return known.exports;
  const module = { exports: {} };
  loaded.set(file, module);
  if (file.endsWith(".node")) process.dlopen(module, file);
  else compile(file)(module.exports, (id) => load(FOLDER + id.slice(1)), FOLDER);
  return module.exports;
}

function compile(file: string): Load {
  const source = readWhole(file);
  const cachedData = readCode(`${file}.code`);
  const script = new Script(source.toString("latin1"), { filename: file, cachedData });
  // Not left to the garbage collector, which has nothing to do for a long time.
  source.buffer.transfer(0);
  cachedData?.buffer.transfer(0);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the build has made it a function of these
  return script.runInThisContext() as Load;
}

/** Undefined if there is none: a file is compiled then. */
function readCode(file: string): Buffer<ArrayBuffer> | undefined {
  return atStart.has(file) ? readWhole(file) : undefined;
}

/** In memory of its own, which can be given back. */
function readWhole(file: string): Buffer<ArrayBuffer> {
  const fd = openSync(file, "r");
  const octets = Buffer.allocUnsafeSlow(fstatSync(fd).size);
  readSync(fd, octets);
  const isSame = state(fstatSync(fd)) === atStart.get(file);
  closeSync(fd);
  if (!isSame) throw new Error(`${file} has changed since this program was started`);
  return octets;
}

load(`${FOLDER}/main.cjs`);
