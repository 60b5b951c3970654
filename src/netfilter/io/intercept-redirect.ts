/**
 * Leads flows to addresses of bound names to the interceptor, as long as this process lives. Not here: which
 * flows these are, and that nothing reaches such an address without this redirect. That is the permanent
 * ruleset's part (`chains/intercept-chains.ts`).
 */
import { NetlinkError } from "../../netlink/errors.ts";
import {
  deleteInterceptTable,
  type InterceptRedirect,
  writeInterceptTable,
} from "../wire/intercept-table.ts";
import { openOwnedTable, type OwnedTable, removeOwnedTable } from "./owned-table.ts";

/**
 * Puts it into the current network namespace. Once it is closed nobody reaches bound hosts; open connections
 * survive. Throws NetlinkError (EPERM: another sidecar's is in force), SystemCallError.
 */
export function openInterceptRedirect(redirect: InterceptRedirect): OwnedTable {
  return openOwnedTable({
    write: (writer, next, ownership) => writeInterceptTable(writer, next, redirect, ownership),
    remove: deleteInterceptTable,
  });
}

/**
 * Removes what an ended process has left, if anything. Before Linux 5.12 nothing else does. Throws
 * NetlinkError, SystemCallError.
 */
export function removeInterceptRedirect(): void {
  try {
    removeOwnedTable(deleteInterceptTable);
  } catch (error) {
    if (!(error instanceof NetlinkError) || error.code !== "ENOENT") throw error;
  }
}
