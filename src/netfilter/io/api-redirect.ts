/**
 * Leads the API's port to the two ports on which the API listens: one for callers from outside, one for those
 * from inside. Not here: that nobody is reached on the API's port without this redirect, which is the
 * permanent ruleset's part (`api-port.ts`).
 */
import { NetlinkError } from "../../netlink/errors.ts";
import type { Redirect } from "../wire/redirect-rules.ts";
import { deleteRedirectTable, writeRedirectTable } from "../wire/redirect-table.ts";
import { openOwnedTable, type OwnedTable, removeOwnedTable } from "./owned-table.ts";

/**
 * Puts it into the current network namespace. Open connections survive its close. Throws NetlinkError (EPERM:
 * another sidecar's is in force), SystemCallError.
 */
export function openApiRedirect(redirect: Redirect): OwnedTable {
  return openOwnedTable({
    write: (writer, next, ownership) => writeRedirectTable(writer, next, redirect, ownership === "owned"),
    remove: deleteRedirectTable,
  });
}

/**
 * Removes a redirect that an ended process has left; false if it belongs to a live one, and stays. Before
 * Linux 5.12 nothing distinguishes the two, and it goes. Throws NetlinkError, SystemCallError.
 */
export function removeApiRedirect(): boolean {
  try {
    removeOwnedTable(deleteRedirectTable);
    return true;
  } catch (error) {
    if (!(error instanceof NetlinkError) || !NOT_OURS_TO_REMOVE.has(error.code)) throw error;
    return error.code !== "EPERM";
  }
}

const NOT_OURS_TO_REMOVE: ReadonlySet<string> = new Set(["ENOENT", "EPERM"]);
