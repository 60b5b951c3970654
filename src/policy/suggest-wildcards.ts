/** From this many names right below one parent on, a wildcard stands for them. */
const LEAST_SIBLINGS = 2;

/**
 * The names, with a wildcard in place of names that have siblings. No wildcard stands below a base under
 * which anybody may have a name: registries with two labels (`co.uk`), and some large hosts.
 *
 * Known limit: the list of such bases is short, so a person has to look at a wildcard before taking it over.
 */
export function findWildcards(
  names: readonly string[],
  mayAllow: (base: string) => boolean,
): readonly string[] {
  const byParent = Map.groupBy(names, parentOf);
  const bases = new Set<string>();
  for (const [parent, children] of byParent)
    if (children.length >= LEAST_SIBLINGS && isOneOwners(parent) && mayAllow(parent)) bases.add(parent);
  const isCovered = (name: string): boolean => ancestorsOf(name).some((ancestor) => bases.has(ancestor));
  return names.flatMap((name) => {
    if (!isCovered(name)) return [name];
    const parent = parentOf(name);
    // The first sibling stands for all; a name below a higher wildcard needs no wildcard of its own.
    const isFirst = byParent.get(parent)?.[0] === name;
    return isFirst && bases.has(parent) && !isCovered(parent) ? [`*.${parent}`] : [];
  });
}

function parentOf(name: string): string {
  const at = name.indexOf(".");
  return at < 0 ? "" : name.slice(at + 1);
}

function ancestorsOf(name: string): readonly string[] {
  const found: string[] = [];
  for (let parent = parentOf(name); parent !== ""; parent = parentOf(parent)) found.push(parent);
  return found;
}

/** Second labels that stand for a kind of owner, not for one owner. */
const KINDS: ReadonlySet<string> = new Set(
  "ac co com edu gob gov go gv ltd mil ne net nom or org plc sch".split(" "),
);
/** Hosts that give names to anybody. */
const SHARED: ReadonlySet<string> = new Set(
  (
    "amazonaws.com azureedge.net azurewebsites.net blogspot.com cloudfront.net fly.dev github.io gitlab.io " +
    "herokuapp.com netlify.app ngrok.io onrender.com pages.dev s3.amazonaws.com vercel.app web.app windows.net workers.dev"
  ).split(" "),
);

function isOneOwners(base: string): boolean {
  const [first = "", second, ...more] = base.split(".");
  if (second === undefined || SHARED.has(base)) return false;
  return more.length > 0 || !(KINDS.has(first) && second.length === 2);
}
