/**
 * What a command has to see once the mounts of its place are made: those of `own-places.ts`, as it finds
 * them.
 */
import { join } from "node:path";
import { holdingOptions, type WantedMount } from "./held-mounts.ts";
import type { WantedPlace } from "./held-place.ts";
import { isWithin } from "./mount-table.ts";

/** A line for mount(8). */
export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly type?: string;
  readonly options: string;
}

/** `folder` has what the command sees as /run and /dev, in folders of these names. */
export function wantedPlace(folder: string, mounts: readonly Mount[]): WantedPlace {
  const all = mounts.map((mount) => ({ ...mount, ...whereSeen(folder, mount.target) }));
  const made = all.filter(({ options }) => options !== "rbind");
  return {
    mounts: made.map((mount) => wantedMount(folder, mount)),
    same: made.flatMap(({ type, source, target }) =>
      type !== undefined || source === target || isMade(folder, source) ? [] : [{ source, target }],
    ),
  };
}

function wantedMount(folder: string, { source, target, type, options }: Mount): WantedMount {
  return {
    target,
    own: type === undefined ? undefined : { type, source },
    within: isMade(folder, source) ? whereSeen(folder, source).target : undefined,
    options: holdingOptions(options),
  };
}

function isMade(folder: string, path: string): boolean {
  return ["run", "dev"].some((name) => isWithin(join(folder, name), path));
}

function whereSeen(folder: string, target: string): { readonly target: string } {
  return { target: isMade(folder, target) ? target.slice(folder.length) : target };
}
