import { SYSTEM_BUNDLES } from "../../certificates/system-bundles.ts";

/** What is asked of the place that the tools run in: given by who may open files and start programs. */
export interface TrustPlace {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the program is on the PATH. */
  findProgram(name: string): string | undefined;
  /** The path without links; `undefined` if nothing is there. */
  realPath(path: string): string | undefined;
  /** The content of a plain file of up to 16 MiB; `undefined` if it cannot be read. */
  read(path: string): Buffer | undefined;
  /** Names in the folder, none if it cannot be read. */
  list(folder: string): readonly string[];
  /** What the program prints; `undefined` if it failed or took too long. */
  run(argv: readonly [string, ...string[]]): Promise<string | undefined>;
}

/** Where a tool takes roots from. */
export interface TrustSource {
  /** For people: the variable that names it, or whose default it is. */
  readonly by: string;
  readonly path: string;
  /**
   * A file of roots; a folder of such files; one in which OpenSSL finds them by the hash of their names; a
   * store of Java's.
   */
  readonly kind: "file" | "folder" | "hashed" | "java";
}

const BY_SYSTEM = "the system's roots";

/** The file of the system's roots, one at most. */
export function systemBundle(place: TrustPlace): readonly TrustSource[] {
  const path = SYSTEM_BUNDLES.find((one) => place.realPath(one) !== undefined);
  return path === undefined ? [] : [{ by: BY_SYSTEM, path, kind: "file" }];
}

/** Folders of the system's roots that are there. */
export function systemFolders(place: TrustPlace, kind: "folder" | "hashed"): readonly TrustSource[] {
  return ["/etc/ssl/certs", "/etc/pki/tls/certs"]
    .filter((path) => place.realPath(path) !== undefined)
    .map((path) => ({ by: BY_SYSTEM, path, kind }));
}

/** What the first of the variables names that is set, and not empty. */
export function namedBy(
  { env }: TrustPlace,
  variables: readonly string[],
  kind: TrustSource["kind"] = "file",
): readonly TrustSource[] {
  const by = variables.find((name) => (env[name] ?? "") !== "");
  const value = by === undefined ? "" : (env[by] ?? "");
  if (by === undefined) return [];
  const paths =
    kind === "folder" || kind === "hashed" ? value.split(":").filter((one) => one !== "") : [value];
  return paths.map((path) => ({ by, path, kind }));
}
