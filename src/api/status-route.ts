import { readPage } from "./status-page.ts";
import type { PageRequest } from "../enforcement/sandbox-report.ts";
import type { Auth } from "./auth/auth.ts";
import type { ApiContext } from "./context.ts";
import { readQueries } from "./queries.ts";
import { refuseWrite } from "./read-only.ts";
import { renderRefusal } from "./refusal.ts";

/** `GET /status`: what is in force, for those who may read the policy. */
export async function serveStatus(
  c: ApiContext,
  auth: Auth,
  describe: (page: PageRequest) => Promise<object>,
): Promise<Response> {
  const refusal = auth.refuseCaller(c) ?? refuseWrite(c);
  if (refusal !== undefined) return renderRefusal(c, refusal);
  const page = readPage(readQueries(c));
  return page.ok ? c.json(await describe(page.value)) : renderRefusal(c, page.refusal);
}
