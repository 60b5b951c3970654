/**
 * What `egress status` shows to people. Everything that came from elsewhere is shown as one line, controls
 * escaped.
 */
import type { SidecarStatus } from "../../client/client.ts";
import { oneLine } from "../../policy/problem.ts";
import { align, type Cells } from "../align.ts";

export function presentStatus(status: SidecarStatus): string {
  const sections = [
    align(summarize(status)),
    section("protections", status.protections.map(presentProtection)),
    section(
      "rule files that can't be read",
      status.ruleFileProblems.map(({ path, message }) => [path, message]),
    ),
    section("addresses that lookups have opened", status.learned.addresses.map(presentAddress)),
    ...(status.learned.next === undefined ? [] : [[`  more: --after ${oneLine(status.learned.next)}`]]),
    section(
      "counted so far",
      Object.entries(status.counters).map(([name, value]) => [name, String(value)]),
    ),
  ];
  return `${sections.flat().join("\n")}\n`;
}

function summarize(status: SidecarStatus): readonly Cells[] {
  const { layers, learned, health, sandboxId } = status;
  const { guarded, unguarded } = status.interfaces;
  return [
    ["version", status.version],
    ...(sandboxId === undefined ? [] : [["sandbox", sandboxId]]),
    ["up", presentTime(status.uptimeSeconds)],
    ["health", health.ok ? "ok" : `bad: ${health.reason ?? ""}`],
    ...(status.audit.enabled
      ? [["audit mode", "on: the policy denies nothing, what it would deny is reported"]]
      : []),
    ...(status.api.tcp ? [] : [["api", `nobody is taken over TCP: ${status.api.reason ?? ""}`]]),
    ["policy", `${status.mode} (${status.enforcementMode}), default action: ${layers.user.defaultAction}`],
    ["rules", presentCounts(status)],
    ["rule files", listOf(Object.values(status.ruleFiles))],
    ["etag", layers.user.etag],
    ...(status.generation === undefined ? [] : [["generation", String(status.generation)]]),
    ["interfaces", listOf([...guarded, ...unguarded.map(({ name }) => `${name} (not guarded)`)])],
    ["resolver", listOf(status.resolver.map(presentEndpoint))],
    [
      "upstreams",
      listOf(
        status.upstreams.map((one) => `${presentEndpoint(one)}${one.alive ? "" : " (does not answer)"}`),
      ),
    ],
    ["addresses", `${learned.total} of at most ${learned.bound}`],
  ];
}

function presentCounts({ layers }: SidecarStatus): string {
  const { denyAlways, allowAlways, user, logSkip } = layers;
  return `${denyAlways.total} deny.always, ${allowAlways.total} allow.always, ${user.total} of the user, ${logSkip.total} log_skip.always`;
}

function presentProtection({ name, state, reason, required }: SidecarStatus["protections"][number]): Cells {
  return [name, state, required ? "required" : "", reason ?? ""];
}

function presentAddress(learned: SidecarStatus["learned"]["addresses"][number]): Cells {
  const { address, owners, secondsLeft, secondsUnused } = learned;
  const left = secondsLeft === undefined ? "?" : `${secondsLeft} s left`;
  return [address, left, `used ${secondsUnused} s ago`, owners.join(" ")];
}

function presentEndpoint({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** `1 d 02:03:04`. */
function presentTime(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const clock = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60]
    .map(twoDigits)
    .join(":");
  return days === 0 ? clock : `${days} d ${clock}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

function listOf(texts: readonly string[]): string {
  return texts.length === 0 ? "none" : texts.join(", ");
}

/** A heading and its rows; nothing if there are none. */
function section(title: string, rows: readonly Cells[]): readonly string[] {
  return rows.length === 0 ? [] : ["", title, ...align(rows).map((line) => `  ${line}`)];
}
