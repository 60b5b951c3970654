import type { PageDocument } from "../api/page-route.ts";
import { loadByFirstFlags } from "../sys/process-memory.ts";

/** The page is loaded by the first person who opens it. */
export async function loadPage(): Promise<PageDocument> {
  const page = await loadByFirstFlags(() => import("../page/page.ts"));
  return page.loadPage();
}
