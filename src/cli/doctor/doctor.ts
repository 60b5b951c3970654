/** `egress doctor`: tries the attacks that need no helper outside, and says what held. */
import { parseArgs } from "node:util";
import { readEverySetting } from "../../config.ts";
import { readResolvConf } from "../../config/resolv-conf.ts";
import { examineTrust, type TrustReport } from "../../doctor/trust/examine-trust.ts";
import { SEEN_FILES } from "../run/secrets/trust-files.ts";
import { openTrustPlace } from "./trust-place.ts";
import { examine } from "../../doctor/examine.ts";
import { presentReport } from "./present.ts";
import { parseAddress } from "../../policy/address.ts";
import { parseDomainName } from "../../policy/domain-name.ts";
import { accepted, quote, refused, renderProblems, type Result } from "../../policy/problem.ts";
import { EXIT } from "../exit-codes.ts";
import { DOCTOR_HELP } from "./help.ts";
import type { CliContext } from "../context.ts";

interface DoctorRequest {
  readonly canaries: readonly string[];
  readonly allowedName: string | undefined;
  readonly isOperator: boolean;
  readonly asJson: boolean;
}

const OPTIONS = {
  to: { type: "string", multiple: true },
  allowed: { type: "string" },
  operator: { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** Settles with the exit code: `EXIT.open` where anything got out. */
export async function doctor(argv: readonly string[], context: CliContext): Promise<number> {
  const request = parseDoctorArguments(argv);
  if (!request.ok) {
    context.warn(`egress doctor: ${renderProblems(request.problems)}; see "egress doctor --help"\n`);
    return EXIT.usage;
  }
  if (request.value === "help") {
    context.print(DOCTOR_HELP);
    return EXIT.ok;
  }
  const { asJson, ...chosen } = request.value;
  const { report, conclusion, isOperator } = await examine({ ...chosen, ...(await readPlace(context)) });
  // What the sidecar's own container trusts says nothing of the workload's.
  const trust = isOperator ? undefined : await trustHere(context);
  const shown = { ...report, ...(trust === undefined ? {} : { trust }), conclusion };
  context.print(asJson ? `${JSON.stringify(shown)}\n` : presentReport(report, conclusion, trust));
  return conclusion.open > 0 ? EXIT.open : EXIT.ok;
}

export function parseDoctorArguments(argv: readonly string[]): Result<DoctorRequest | "help"> {
  try {
    const { values } = parseArgs({ args: [...argv], options: OPTIONS });
    if (values.help === true) return accepted("help");
    const canaries = values.to ?? [];
    const wrong = canaries.find((address) => !parseAddress(address).ok);
    if (wrong !== undefined) return refused(`${quote(wrong)} is not an address`, "--to");
    const allowed = values.allowed === undefined ? undefined : parseDomainName(values.allowed);
    if (allowed?.ok === false) return refused(`${quote(values.allowed ?? "")} is not a name`, "--allowed");
    return accepted({
      canaries,
      allowedName: allowed?.value,
      isOperator: values.operator ?? false,
      asJson: values.json ?? false,
    });
  } catch (error) {
    const [message = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    return refused(message);
  }
}

/** The roots of `egress run`, or those that a sidecar has put into the volume that it shares. */
async function trustHere({ env }: CliContext): Promise<TrustReport | undefined> {
  const { settings } = readEverySetting(env);
  const files = [SEEN_FILES.extra, settings.certificateFile] as const;
  return examineTrust(openTrustPlace(env), files, settings.intercepts);
}

/** What the sidecar's own variables say where they are set, as in its container; their defaults elsewhere. */
async function readPlace({ env }: CliContext) {
  const { settings: own } = readEverySetting(env);
  const nameservers = await readResolvConf();
  return {
    apiPort: own.httpAddress.port,
    socketPath: own.socketPath,
    nameservers: nameservers.ok ? nameservers.value.map(({ address }) => address) : [],
  };
}
