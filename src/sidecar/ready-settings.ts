import type { Settings } from "../config.ts";

/** The settings, once it is known which upstreams are asked. */
export type ReadySettings = Settings & {
  readonly upstreams: NonNullable<Settings["upstreams"]>;
  /** A setting names them. */
  readonly upstreamsAreSet: boolean;
};
