/**
 * Makes the page one document that loads nothing: script and style stand in it, and the hashes by which a
 * browser takes them, and nothing else, go with it. rolldown is loaded by who calls this, a build or an
 * unbuilt checkout; the bundled program has the finished document instead.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { PageDocument } from "../../api/page-route.ts";

const BROWSER = new URL("../browser/", import.meta.url);

interface BundledPage {
  readonly page: PageDocument;
  /** The files that its script is made of. */
  readonly moduleIds: readonly string[];
}

export async function bundlePage(): Promise<BundledPage> {
  const [html, style, plotStyle, { code, moduleIds }] = await Promise.all([
    readFile(new URL("page.html", BROWSER), "utf8"),
    readFile(new URL("page.css", BROWSER), "utf8"),
    readFile(createRequire(import.meta.url).resolve("uplot/dist/uPlot.min.css"), "utf8"),
    bundleScript(),
  ]);
  const styles = `${plotStyle}\n${style}`;
  const page = {
    html: place(place(html, "<style></style>", styles), "<script></script>", code),
    scriptHash: hashOf(code),
    styleHash: hashOf(styles),
  };
  return { page, moduleIds };
}

async function bundleScript(): Promise<{ readonly code: string; readonly moduleIds: readonly string[] }> {
  const { rolldown } = await import("rolldown");
  await using bundle = await rolldown({
    input: fileURLToPath(new URL("main.ts", BROWSER)),
    platform: "browser",
  });
  const { output } = await bundle.generate({ format: "iife", minify: true });
  const [{ code, moduleIds }] = output;
  // A parser of HTML ends the element at these, wherever they stand; in a script they can only be in strings.
  return { code: code.replaceAll(/<(?=\/script|script|!--)/gi, String.raw`\x3c`), moduleIds };
}

function place(html: string, element: string, content: string): string {
  const [before, after, ...more] = html.split(element);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`page.html has no ${element}, or several`);
  }
  return before + element.replace("><", () => `>${content}<`) + after;
}

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
