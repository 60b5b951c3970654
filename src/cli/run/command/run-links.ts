/**
 * What of the machine's /run the command keeps: links in it that lead outside. NixOS and Guix name the
 * programs of the system by them (`/run/current-system`). Where they lead the command finds anyway.
 */
import { accessSync, constants, readdirSync, realpathSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { isOwnPlace } from "./covered-places.ts";
import { isWithin } from "./mount-table.ts";

const RUN = "/run";

export interface RunLink {
  readonly name: string;
  /** Without links in it. */
  readonly target: string;
}

/** None where we may not look. */
export function findRunLinks(folder = RUN): readonly RunLink[] {
  const names = unlessRefused(() =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isSymbolicLink())
      .map(({ name }) => name),
  );
  return (names ?? []).flatMap((name) => {
    const target = realPathOf(join(folder, name));
    return target === undefined || isOwnPlace(target) ? [] : [{ name, target }];
  });
}

/**
 * Why the command will not find the program that the caller finds: it lies in /run or /dev, where the command
 * has files of its own. Undefined if it finds one, or the caller does not either.
 */
export function describeHiddenProgram(
  program: string,
  { path, directory }: { readonly path: string; readonly directory: string },
  links = findRunLinks(),
): string | undefined {
  const places = program.includes("/")
    ? [resolve(directory, program)]
    : path.split(":").map((folder) => resolve(directory, folder, program));
  const programs = places.filter(isProgram);
  const [first] = programs;
  if (first === undefined || programs.some((one) => !isHidden(one, links))) return undefined;
  return `${first} is not there for the command, which has a /run and /dev of its own: copy it elsewhere, or have PATH lead to one elsewhere`;
}

function isHidden(path: string, links: readonly RunLink[]): boolean {
  if (links.some(({ name }) => isWithin(join(RUN, name), path))) return false;
  return [path, realPathOf(path) ?? path].some((one) => isWithin(RUN, one) || isWithin("/dev", one));
}

function isProgram(path: string): boolean {
  return (
    unlessRefused(() => {
      accessSync(path, constants.X_OK);
      return statSync(path).isFile();
    }) ?? false
  );
}

function realPathOf(path: string): string | undefined {
  return unlessRefused(() => realpathSync(path));
}

/** Undefined if nothing is there, or we may not look. */
function unlessRefused<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
