/**
 * Sites of every name at every address of the lab's internet, over TLS on port 443 and by HTTP on 8090, which
 * say what names they were shown.
 */
import { fileURLToPath } from "node:url";
import { execIn } from "../../src/netns/namespace.ts";
import { type JsonServer, startJsonServer } from "./json-server.ts";
import type { Lab } from "./lab.ts";
import { until } from "./until.ts";

const CHILD = fileURLToPath(new URL("../netfilter/named-sites-child.ts", import.meta.url));

export interface NamedSites extends AsyncDisposable {
  readonly lines: JsonServer["lines"];
  /** Names that the sites were shown while it ran. */
  shownDuring(run: () => Promise<unknown>): Promise<readonly unknown[]>;
}

export async function startNamedSites({ internet }: Pick<Lab, "internet">): Promise<NamedSites> {
  const sites = await startJsonServer(internet, [process.execPath, CHILD]);
  let marks = 0;

  /**
   * Has the sites say a line that nobody else causes: what was caused before is ahead of it. Returns its
   * place.
   */
  async function setMark(): Promise<number> {
    const name = `mark-${(marks += 1)}.example.net`;
    await execIn(internet, ["curl", "-sk", "--resolve", `${name}:443:127.0.0.1`, `https://${name}/`]);
    const find = (): number => sites.lines.findIndex((line) => line["name"] === name);
    await until("the mark is seen", () => find() >= 0);
    return find();
  }

  return {
    lines: sites.lines,
    async shownDuring(run) {
      const before = await setMark();
      await run();
      const after = await setMark();
      return sites.lines.slice(before + 1, after).flatMap(({ name }) => (name === undefined ? [] : [name]));
    },
    [Symbol.asyncDispose]: () => sites[Symbol.asyncDispose](),
  };
}
