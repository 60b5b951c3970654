import type { VaultState } from "../../client/client.ts";
import { oneLine } from "../../policy/problem.ts";

/** The vault for people: a line for each binding, then for each credential. */
export function presentVault({ revision, credentials, bindings }: VaultState): string {
  const lines = [
    `revision     ${revision}`,
    ...bindings.map(({ name, match, auth, problem }) => {
      const header = auth.name === undefined ? auth.type : `${auth.type} ${auth.name}`;
      const requests = `${match.methods.join(",")} ${match.schemes.join(",")}://${match.hosts.join(",")} ${match.paths.join(" ")}`;
      return `binding      ${name}: ${header} into ${requests}${shown(problem)}`;
    }),
    ...credentials.map(
      ({ name, sourceType, revision: since, problem }) =>
        `credential   ${name}: ${sourceType}, since revision ${since}${shown(problem)}`,
    ),
  ];
  return lines.map((line) => `${oneLine(line)}\n`).join("");
}

function shown(problem: string | undefined): string {
  return problem === undefined ? "" : `; out of force: ${problem}`;
}
