/** Why nobody reads what connections speak, if nobody does. */
import { findTextRefusal, findNamesSupport } from "../../netfilter/io/names-support.ts";
import type { WireNames } from "./prepare-names.ts";

/** What decides whether connections are read. */
export interface AppSettings {
  readonly wireNames: WireNames;
  readonly isOnlyLookups: boolean;
  /** An upstream proxy carries everything, and nobody reads what it is handed. */
  readonly isProxied: boolean;
}

/** Why nobody reads connections, with what to do about it; undefined: somebody does, if the machine can. */
export function whyUnreadBySettings(settings: AppSettings): string | undefined {
  if (settings.isOnlyLookups)
    return "connections are not judged in mode dns: set OPENSANDBOX_EGRESS_MODE=dns+nft";
  if (settings.wireNames === "off")
    return "nobody reads connections: set OPENSANDBOX_EGRESS_WIRE_NAMES to known or strict";
  if (settings.isProxied)
    return "an upstream proxy carries all connections: unset OPENSANDBOX_EGRESS_UPSTREAM_PROXY";
  return undefined;
}

/** What to do where the machine cannot: `reason` is what it lacks. */
export function whyUnreadByMachine(reason: string): string {
  return `nobody can read connections here, as protection wire-names is off (${reason}): take a kernel and nft that can`;
}

/** Both together, asked of the machine. Throws KernelError, SystemCallError. */
export async function whyUnread(settings: AppSettings): Promise<string | undefined> {
  const bySettings = whyUnreadBySettings(settings);
  if (bySettings !== undefined) return bySettings;
  const support = findNamesSupport();
  const reason = support.isThere ? await findTextRefusal() : support.reason;
  return reason === undefined ? undefined : whyUnreadByMachine(reason);
}
