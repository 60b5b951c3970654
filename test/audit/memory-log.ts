import { createLog, type LogSettings } from "../../src/audit/log.ts";

export const SETTINGS: LogSettings = {
  logLevel: "info",
  logOutputs: ["memory"],
  sandboxId: undefined,
  extraAttributes: {},
  lookupLinesPerSecond: 0,
};

/** A log whose lines are kept. */
export function createMemoryLog(settings: Partial<LogSettings> = {}) {
  let text = "";
  const log = createLog({ ...SETTINGS, ...settings }, () => ({
    write(octets, done) {
      setImmediate(() => {
        text += octets.toString();
        done(null, octets.length);
      });
    },
  }));
  const lines = async (): Promise<readonly Record<string, unknown>[]> => {
    await log.drain(1000);
    return text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  };
  return { log, lines };
}
