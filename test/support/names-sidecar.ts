import { afterAll, beforeAll, expect } from "vitest";
import type { Lab } from "./lab.ts";
import { type Sidecar, WITHOUT_BOUNDS } from "./sidecar.ts";

export interface NamesSidecar {
  sidecar(): Sidecar;
  /** Puts its policy, or audit mode. */
  put(path: string, body: unknown): Promise<void>;
}

/** Registers the hooks that start a sidecar in the lab that judges names on the wire in this way. */
export function useNamesSidecar(lab: Lab, names: string): NamesSidecar {
  let sidecar: Sidecar;
  beforeAll(async () => {
    const env = { ...WITHOUT_BOUNDS, OPENSANDBOX_EGRESS_WIRE_NAMES: names };
    sidecar = await lab.startSidecar({ policy: {}, env });
  });
  afterAll(() => sidecar.kill("SIGKILL"));
  return {
    sidecar: () => sidecar,
    async put(path, body) {
      const answer = await sidecar.api("PUT", path, { body });
      expect([answer.status, answer.text]).toEqual([200, answer.text]);
    },
  };
}
