import type { Experiment } from "../experiment.ts";
import { cached, cachedApart, refused } from "./answered-here.ts";
import { patch, stall } from "./changes.ts";
import { decided, events } from "./decisions.ts";
import { flood } from "./flood.ts";
import { floodConnections } from "./flood-connections.ts";
import { crowd, idle, soak, start } from "./footprint.ts";
import { forwardedAt1, forwardedAt50, forwardedAt500, forwardedPaced } from "./forwarded.ts";
import { learned } from "./learned.ts";
import { names } from "./names.ts";
import { relayed } from "./relayed.ts";
import { relayedHosts } from "./relayed-hosts.ts";
import { run } from "./run-command.ts";
import { logged, redirected, rules, tcp } from "./variants.ts";

/** In the order of the table. */
export const EXPERIMENTS: readonly Experiment[] = [
  forwardedAt50,
  forwardedAt500,
  forwardedAt1,
  forwardedPaced,
  cached,
  cachedApart,
  refused,
  tcp,
  redirected,
  logged,
  rules,
  learned,
  decided,
  events,
  flood,
  floodConnections,
  patch,
  stall,
  names,
  relayed,
  relayedHosts,
  start,
  run,
  idle,
  soak,
  crowd,
];
