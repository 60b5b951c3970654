#!/usr/bin/env node
/**
 * The command of the bundle: loads the bundle's other files, each with what V8 has compiled of it at the build, so that a start compiles
 * nothing. Node's own compile cache holds of a file only the functions that are called at once, and keeps what it has read in memory.
 *
 * The build puts two lines before it, for whatever starts it: see `renderFirstLines` in `build.ts`.
 *
 * V8 refuses the code of another release of itself, and compiles the file. It tells other text by its length alone: a file and its
 * code come from one build.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { Script } from "node:vm";

type Load = (exports: object, require: (id: string) => object, folder: string) => void;

const FOLDER = import.meta.dirname;
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

/** Undefined where there is none: a file is compiled then. */
function readCode(file: string): Buffer<ArrayBuffer> | undefined {
  try {
    return readWhole(file);
  } catch {
    return undefined;
  }
}

/** In memory of its own, which can be given back. */
function readWhole(file: string): Buffer<ArrayBuffer> {
  const fd = openSync(file, "r");
  const octets = Buffer.allocUnsafeSlow(fstatSync(fd).size);
  readSync(fd, octets);
  closeSync(fd);
  return octets;
}

load(`${FOLDER}/main.cjs`);
