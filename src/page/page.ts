/**
 * The page at `/` of the API: live decisions, the policy, and what is in force, for people. It holds no data
 * and no secret: its script asks the API for all that it shows, with the token that a person gives it.
 *
 * `browser/` runs in browsers, `model/` there and in tests. The build puts the finished document in the place
 * of `io/bundle-page.ts`; an unbuilt checkout makes it at the first request.
 */
import type { PageDocument } from "../api/page-route.ts";
import { bundlePage } from "./io/bundle-page.ts";

let made: Promise<PageDocument> | undefined;

/** Made once. */
export function loadPage(): Promise<PageDocument> {
  return (made ??= bundlePage().then(({ page }) => page));
}
