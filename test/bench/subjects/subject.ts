/** A server under test, in a namespace of its own. */
import type { NetworkNamespace } from "../../../src/netns/namespace.ts";
import type { Endpoint } from "../../../src/sys/socket-address.ts";
import type { Processors } from "../processors.ts";

/** Columns of the table: all measured in the same run. */
export const COLUMNS = [
  "direct",
  "dnsmasq",
  "dnsmasq --nftset",
  "unbound",
  "ours dns",
  "ours dns+nft",
  "beside",
  "relay",
  "mitmproxy",
  "names off",
  "names on",
  "egress run",
  "srt",
  "bwrap",
  "unshare -n",
] as const;
export type Column = (typeof COLUMNS)[number];

export interface Place {
  readonly processors: Processors;
  readonly namespace: NetworkNamespace;
  /** Where lookups go. */
  readonly server: Endpoint;
}

export interface Subject extends Place, AsyncDisposable {
  readonly column: Column;
  readonly pid: number;
  /** What has to hold while it is measured, where that is not always so. */
  readonly during?: <T>(measure: () => Promise<T>) => Promise<T>;
}
