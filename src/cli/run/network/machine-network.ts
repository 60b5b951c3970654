/**
 * What a run sets on the machine itself, and undoes: forwarding of IPv4 where it was off, and one nftables table of its own with
 * a masquerade rule for its own subnet. Tables carry the process id: a run that died is told by that and swept by the next one.
 * That forwarding was switched on is remembered in the kernel too, as an empty table, so that the last run to end, not the first,
 * switches it off again, also when the one that switched it on was killed.
 */
import { requireCommand } from "../../../netns/command.ts";
import { HERE, isAlive, readSysctl, writeSysctl } from "../../../netns/namespace.ts";
import { asObject, type JsonObject, objectsOf, parseObject, stringOf } from "../json.ts";

export interface MachineNetworkOptions {
  /** Prefixes of the run's namespace, IPv4 and where it has one IPv6. */
  readonly prefixes: readonly string[];
  /** The machine's end of the link into the namespace. */
  readonly device: string;
  readonly announce: (text: string) => void;
}

const TABLE = /^egress_run_(\d+)$/;
const FORWARDING_MARK = "egress_run_forwarding";
const FORWARDING = "net.ipv4.ip_forward";

/** Lets the prefixes out into the machine's network. Throws `ToolError`. Disposing undoes it. */
export async function openMachineNetwork(options: MachineNetworkOptions): Promise<AsyncDisposable> {
  const table = `egress_run_${process.pid}`;
  await sweepTables();
  await applyNft(renderTable(table, options));
  options.announce(
    `this machine now translates ${options.prefixes.join(" and ")} (nft table inet ${table}), until the end`,
  );
  if ((await readSysctl(HERE, FORWARDING)) !== "1") {
    await applyNft(`add table inet ${FORWARDING_MARK}\n`);
    options.announce(`this machine now forwards IPv4 (${FORWARDING}=1), until the last run has ended`);
  }
  // Set in any case: another run may be ending right now and have looked before this one's table was there.
  await writeSysctl(HERE, FORWARDING, "1");
  return { [Symbol.asyncDispose]: () => closeMachineNetwork(table) };
}

/** Base chains that drop forwarded packets unless told otherwise, as Docker and firewalls set them; ours can't overrule those. */
export async function forwardDroppers(): Promise<readonly string[]> {
  const chains = await listNft("chain");
  const droppers = chains.filter(
    (chain) => stringOf(chain, "hook") === "forward" && stringOf(chain, "policy") === "drop",
  );
  return droppers.map((chain) =>
    ["family", "table", "name"].map((field) => stringOf(chain, field)).join(" "),
  );
}

async function closeMachineNetwork(table: string): Promise<void> {
  await applyNft(removeTable(table));
  const { runs, marked } = await listTables();
  if (!marked || runs.some(({ pid }) => isAlive(pid))) return;
  await writeSysctl(HERE, FORWARDING, "0");
  // A run that started meanwhile has its table by now, and needs what was just switched off.
  if ((await listTables()).runs.some(({ pid }) => isAlive(pid))) await writeSysctl(HERE, FORWARDING, "1");
  else await applyNft(removeTable(FORWARDING_MARK));
}

async function sweepTables(): Promise<void> {
  const { runs } = await listTables();
  const dead = runs.filter(({ pid }) => !isAlive(pid));
  if (dead.length > 0) await applyNft(dead.map(({ name }) => removeTable(name)).join(""));
}

/** In one transaction; a table that is gone already is no fault: runs that end at the same moment do the same work. */
function removeTable(name: string): string {
  return `add table inet ${name}\ndelete table inet ${name}\n`;
}

function renderTable(table: string, { prefixes, device }: MachineNetworkOptions): string {
  const rules = prefixes.map((prefix) => {
    const family = prefix.includes(":") ? "ip6" : "ip";
    return `    ${family} saddr ${prefix} oifname != "${device}" masquerade\n`;
  });
  return `table inet ${table} {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
${rules.join("")}  }
}
`;
}

interface Tables {
  readonly runs: readonly { readonly name: string; readonly pid: number }[];
  /** Whether a run has switched forwarding on. */
  readonly marked: boolean;
}

async function listTables(): Promise<Tables> {
  const names = (await listNft("table")).map((table) => stringOf(table, "name") ?? "");
  const runs = names.flatMap((name) => {
    const pid = TABLE.exec(name)?.[1];
    return pid === undefined ? [] : [{ name, pid: Number(pid) }];
  });
  return { runs, marked: names.includes(FORWARDING_MARK) };
}

async function listNft(what: "table" | "chain"): Promise<readonly JsonObject[]> {
  const listing = parseObject(await requireCommand(["nft", "-j", "list", `${what}s`]));
  const entries = objectsOf(listing?.["nftables"]);
  return entries.map((entry) => asObject(entry[what])).filter((entry) => entry !== undefined);
}

async function applyNft(text: string): Promise<void> {
  await requireCommand(["nft", "-f", "-"], { input: text });
}
