/**
 * `GET /`: the page for people, to everyone who may reach the API: it holds no data. What its script may do
 * is bounded by its browser: run by itself, show text, and call this API.
 */
import type { ApiContext } from "./context.ts";
import { refuseWrite } from "./read-only.ts";
import { renderRefusal } from "./refusal.ts";

/** One document that loads nothing. */
export interface PageDocument {
  readonly html: string;
  /** Of its script and its style, as in a Content-Security-Policy: `'sha256-...'`. */
  readonly scriptHash: string;
  readonly styleHash: string;
}

/** Called by each request. */
export type LoadPage = () => Promise<PageDocument>;

export function createPageRoute(load: LoadPage): (c: ApiContext) => Promise<Response> {
  return async (c) => {
    const refusal = refuseWrite(c);
    if (refusal !== undefined) return renderRefusal(c, refusal);
    const page = await load();
    return c.body(page.html, 200, {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": renderContentPolicy(page),
      "X-Content-Type-Options": "nosniff",
      "X-Frame-Options": "DENY",
      "Referrer-Policy": "no-referrer",
      "Cross-Origin-Resource-Policy": "same-origin",
      "Cache-Control": "no-store",
    });
  };
}

/**
 * Scripts that write HTML are refused, too: no text can become markup, whatever our own code does with it.
 */
function renderContentPolicy({ scriptHash, styleHash }: PageDocument): string {
  return [
    "default-src 'none'",
    `script-src ${scriptHash}`,
    `style-src ${styleHash}`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
}
