/**
 * Which programs of the sandbox trust the roots by which the sidecar takes itself for bound hosts, judged by
 * what each reads. Nothing is connected to.
 *
 * Known limits: what a program is told by options or by its own code is not seen; a sidecar's own place says
 * nothing of the workload's.
 */
import { dirname, join } from "node:path";
import { readPem } from "../../certificates/pem.ts";
import { SYSTEM_BUNDLES } from "../../certificates/system-bundles.ts";
import { inJavaStore, inPem, lastEnd, type Held, type Root } from "./roots.ts";
import { TRUST_TOOLS, type TrustTool } from "./tools.ts";
import type { TrustPlace, TrustSource } from "./trust-place.ts";

/**
 * `alone`: it trusts the sandbox's roots and no others, so that every host but the bound ones is refused.
 * `partly`: it has one of them and not the others, one of which signs some day. `unknown`: it cannot be told.
 */
export type TrustOutcome = "trusted" | "alone" | "partly" | "refused" | "unknown";

export interface ToolTrust {
  readonly tool: string;
  readonly outcome: TrustOutcome;
  /** What it looks at: for people. */
  readonly detail: string;
  /** What would make it trust them. */
  readonly remedy?: string;
}

export interface TrustReport {
  /** The file of the sandbox's roots. */
  readonly file: string;
  /** How many there are; with 0 no tool was looked at. */
  readonly roots: number;
  /** When the last of them ends, in ISO 8601. */
  readonly until?: string;
  readonly tools: readonly ToolTrust[];
  /** How to make the file that remedies call BUNDLE; `undefined` without such a remedy. */
  readonly bundle?: string;
}

/**
 * `undefined` where no roots are expected: none of the files is there, and `isExpected` does not say that
 * they should be. The first file that is there counts. Tools that are not there are left out.
 */
export async function examineTrust(
  place: TrustPlace,
  files: readonly [string, ...string[]],
  isExpected: boolean,
): Promise<TrustReport | undefined> {
  const found = files.find((one) => place.realPath(one) !== undefined);
  if (found === undefined && !isExpected) return undefined;
  const file = found ?? files[0];
  const roots = readPem(place.read(file)?.toString("latin1") ?? "");
  if (roots.length === 0) return { file, roots: 0, tools: [] };
  const tools: ToolTrust[] = [];
  for (const tool of TRUST_TOOLS) tools.push(...(await judgeTool(place, tool, { file, roots })));
  const until = lastEnd(roots)?.toISOString();
  return {
    file,
    roots: roots.length,
    ...(until === undefined ? {} : { until }),
    tools,
    ...(tools.some(({ remedy }) => remedy?.includes("BUNDLE") === true)
      ? { bundle: bundleCommand(place, file) }
      : {}),
  };
}

function bundleCommand(place: TrustPlace, file: string): string {
  const system = SYSTEM_BUNDLES.find((path) => place.realPath(path) !== undefined);
  return system === undefined
    ? `a file with ${file} and the roots of public hosts`
    : `cat ${system} ${file} > BUNDLE`;
}

interface Wanted {
  readonly file: string;
  readonly roots: readonly Root[];
}

/** Nothing for a tool that is not there. */
async function judgeTool(place: TrustPlace, tool: TrustTool, wanted: Wanted): Promise<readonly ToolTrust[]> {
  const program = tool.programs.flatMap((name) => place.findProgram(name) ?? [])[0];
  if (program === undefined) return [];
  const sources = await tool.sources(place, program);
  const remedy = tool.remedy(wanted.file);
  if (sources === "absent") return [];
  if (sources === "unknown") {
    return [
      { tool: tool.name, outcome: "unknown", detail: `${program} does not say what it looks at`, remedy },
    ];
  }
  const keepsOwn = tool.keepsOwn?.(place) ?? false;
  const looks: Look[] = [];
  for (const source of sources) looks.push(await lookAt(place, source, wanted.roots, program));
  const { outcome, detail } = conclude(looks, wanted.roots.length, keepsOwn);
  return [{ tool: tool.name, outcome, detail, ...(outcome === "trusted" ? {} : { remedy }) }];
}

interface Look {
  readonly source: TrustSource;
  readonly held: Held | "not there" | "encrypted";
}

function conclude(looks: readonly Look[], wanted: number, keepsOwn: boolean): Omit<ToolTrust, "tool"> {
  const holding = looks.filter(({ held }) => typeof held === "object" && held.of.size > 0);
  const of = new Set(holding.flatMap(({ held }) => (typeof held === "object" ? [...held.of] : [])));
  const hasOthers = keepsOwn || looks.some(({ held }) => typeof held === "object" && held.hasOthers);
  if (of.size === wanted) {
    return { outcome: hasOthers ? "trusted" : "alone", detail: holding.map(shown).join(", ") };
  }
  if (of.size > 0)
    return { outcome: "partly", detail: `${of.size} of ${wanted}: ${holding.map(shown).join(", ")}` };
  const detail = looks.map(shown).join(", ") || (keepsOwn ? "its own roots alone" : "nothing to look at");
  return { outcome: looks.some(({ held }) => held === "encrypted") ? "unknown" : "refused", detail };
}

function shown({ source: { by, path }, held }: Look): string {
  const wrong = held === "not there" ? " (not there)" : held === "encrypted" ? " (encrypted)" : "";
  return `${by}: ${path}${wrong}`;
}

async function lookAt(
  place: TrustPlace,
  source: TrustSource,
  roots: readonly Root[],
  program: string,
): Promise<Look> {
  if (source.kind === "folder" || source.kind === "hashed")
    return { source, held: lookInto(place, source, roots) };
  const content = place.read(source.path);
  if (content === undefined) return { source, held: "not there" };
  if (source.kind === "file") return { source, held: inPem(content, roots) };
  return {
    source,
    held: inJavaStore(content, roots) ?? (await byKeytool(place, source.path, roots, program)),
  };
}

/** By what OpenSSL looks for: the hash of the subject, and a number. */
const HASHED = /^[0-9a-f]{8}\.\d+$/;
const MOST_FILES = 4_096;

function lookInto(place: TrustPlace, { path, kind }: TrustSource, roots: readonly Root[]): Look["held"] {
  if (place.realPath(path) === undefined) return "not there";
  const names = place.list(path).filter((name) => kind === "folder" || HASHED.test(name));
  const of = new Set<number>();
  let hasOthers = false;
  for (const name of names.slice(0, MOST_FILES)) {
    const held = inPem(place.read(join(path, name)) ?? Buffer.alloc(0), roots);
    for (const index of held.of) of.add(index);
    hasOthers ||= held.hasOthers;
  }
  return { of, hasOthers };
}

/** The password that stores come with. */
const PASSWORD = "changeit";

async function byKeytool(
  place: TrustPlace,
  store: string,
  roots: readonly Root[],
  java: string,
): Promise<Look["held"]> {
  const keytool = join(dirname(place.realPath(java) ?? java), "keytool");
  if (place.realPath(keytool) === undefined) return "encrypted";
  const said = await place.run([keytool, "-list", "-rfc", "-keystore", store, "-storepass", PASSWORD]);
  return said === undefined ? "encrypted" : inPem(Buffer.from(said, "latin1"), roots);
}
