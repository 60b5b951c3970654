import type { Check } from "./check.ts";
import { API } from "./checks/api.ts";
import { CONNECTIONS } from "./checks/connections.ts";
import { LOOKUPS } from "./checks/lookups.ts";
import { MARKED } from "./checks/marks.ts";
import { RAW_FRAMES } from "./checks/raw-frames.ts";
import { RAW_PACKETS } from "./checks/raw-packets.ts";
import { SHARED_PORTS } from "./checks/shared-ports.ts";
import { SHOWN_NAMES } from "./checks/shown-names.ts";
import { XDP } from "./checks/xdp.ts";

/** All attacks, in the order that they are tried. A new one is a line in one of these lists. */
export const CHECKS: readonly Check[] = [
  ...CONNECTIONS,
  ...LOOKUPS,
  ...SHOWN_NAMES,
  ...MARKED,
  ...RAW_PACKETS,
  ...RAW_FRAMES,
  ...XDP,
  ...API,
  ...SHARED_PORTS,
];
