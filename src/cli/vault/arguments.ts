/** The command line of `egress vault`, read into what is asked of the sidecar. */
import { parseArgs } from "node:util";
import type { BindingInput, CredentialInput } from "../../client/client.ts";
import { accepted, quote, refused, type Result } from "../../policy/problem.ts";
import { CALL_OPTIONS, type Place, readPlace, refusedByParser } from "../call/place.ts";

type VaultCall =
  | { readonly kind: "get" }
  | { readonly kind: "delete" }
  | { readonly kind: "unbind"; readonly name: string }
  | { readonly kind: "bind"; readonly credential: CredentialInput; readonly binding: BindingInput };

export interface VaultCommand {
  readonly call: VaultCall;
  readonly place: Place;
  readonly asJson: boolean;
}

const LIST = { type: "string", multiple: true } as const;
const BIND_OPTIONS = {
  ...CALL_OPTIONS,
  host: LIST,
  method: LIST,
  path: LIST,
  header: { type: "string" },
  basic: { type: "boolean" },
  env: { type: "string" },
  file: { type: "string", short: "f" },
  refresh: { type: "string" },
} as const;
const KINDS = ["get", "bind", "unbind", "delete"] as const;

type Kind = (typeof KINDS)[number];

/**
 * Reads the arguments after `vault`; `"help"` when they ask for it. `readInput` gives what stands on standard
 * input.
 */
export function parseVaultArguments(
  [kind = "", ...argv]: readonly string[],
  readInput: () => string,
): Result<VaultCommand | "help"> {
  if (kind === "--help" || kind === "-h" || kind === "help") return accepted("help");
  if (!isKind(kind)) return refused(`${quote(kind)} is none of ${KINDS.join(", ")}`);
  const cut = argv.indexOf("--");
  const own = cut < 0 ? argv : argv.slice(0, cut);
  try {
    const frame = { args: [...own], allowPositionals: true } as const;
    const parsed =
      kind === "bind"
        ? parseArgs({ ...frame, options: BIND_OPTIONS })
        : parseArgs({ ...frame, options: CALL_OPTIONS });
    if (parsed.values.help === true) return accepted("help");
    const place = readPlace(parsed.values);
    if (!place.ok) return place;
    const command = cut < 0 ? [] : argv.slice(cut + 1);
    const call = readCall(kind, { ...parsed, command }, readInput);
    if (!call.ok) return call;
    return accepted({ call: call.value, place: place.value, asJson: parsed.values.json ?? false });
  } catch (error) {
    return refusedByParser(error);
  }
}

interface Given {
  readonly positionals: readonly string[];
  readonly values: {
    readonly json?: boolean;
    readonly host?: readonly string[];
    readonly method?: readonly string[];
    readonly path?: readonly string[];
    readonly header?: string;
    readonly basic?: boolean;
    readonly env?: string;
    readonly file?: string;
    readonly refresh?: string;
  };
  /** What stands after `--`. */
  readonly command: readonly string[];
}

function readCall(kind: Kind, given: Given, readInput: () => string): Result<VaultCall> {
  const [name, ...more] = given.positionals;
  if (kind === "get" || kind === "delete") {
    return name === undefined && given.command.length === 0
      ? accepted({ kind })
      : refused(`${kind} takes no arguments`);
  }
  if (name === undefined) return refused(`${kind} needs a name`);
  if (more.length > 0) {
    return refused(
      `${kind} takes one name: a value is read from standard input, never from the command line`,
    );
  }
  if (kind === "unbind") return accepted({ kind, name });
  const { values } = given;
  const hosts = listOf(values.host);
  if (hosts.length === 0) return refused("bind needs a host", "--host");
  if (values.basic === true && values.header !== undefined) {
    return refused("--basic and --header are two ways to send it: give one");
  }
  const source = readSource(given, readInput);
  if (!source.ok) return source;
  const [methods, paths] = [listOf(values.method), values.path ?? []];
  const match = {
    hosts: [...hosts],
    ...(methods.length === 0 ? {} : { methods: [...methods] }),
    ...(paths.length === 0 ? {} : { paths: [...paths] }),
  };
  return accepted({
    kind,
    credential: { name, source: source.value },
    binding: { name, match, auth: readAuth(name, values) },
  });
}

function readAuth(name: string, { header, basic }: Given["values"]): BindingInput["auth"] {
  if (header !== undefined) return { type: "apiKey", name: header, credential: name };
  return { type: basic === true ? "basic" : "bearer", credential: name };
}

function readSource({ values, command }: Given, readInput: () => string): Result<CredentialInput["source"]> {
  const { env: variable, file: path, refresh } = values;
  const places = [variable, path, command.length === 0 ? undefined : command];
  if (places.filter((place) => place !== undefined).length > 1) {
    return refused("--env, --file and a command after -- are places of the value: give one");
  }
  const seconds = refresh === undefined ? {} : { refreshAfter: Number(refresh) };
  if (refresh !== undefined && !/^\d+$/.test(refresh)) {
    return refused("must be a whole number of seconds", "--refresh");
  }
  if (path !== undefined) return accepted({ type: "file", path, ...seconds });
  if (command.length > 0) return accepted({ type: "command", command: [...command], ...seconds });
  if (refresh !== undefined) return refused("is for --file and for a command", "--refresh");
  if (variable !== undefined) return accepted({ type: "env", variable });
  return accepted({ type: "inline", value: readInput().replace(/\r?\n$/, "") });
}

/** Repeated, or joined by commas. */
function listOf(values: readonly string[] = []): readonly string[] {
  return values.flatMap((value) => value.split(",")).filter((value) => value.trim() !== "");
}

function isKind(text: string): text is Kind {
  return KINDS.some((kind) => kind === text);
}
