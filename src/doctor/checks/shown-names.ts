/** A name that the policy denies, shown at an address that an allowed name has opened. */
import type { Check } from "../check.ts";
import { judgeShownName, untried } from "../evidence.ts";
import type { Family, Finding } from "../finding.ts";
import { holdsLabel } from "../frames.ts";
import { addressOf, showName, type Showing } from "../io/show-name.ts";
import { runTrials, type Trial } from "../io/trials.ts";
import { nameToDeny } from "../lookup-message.ts";
import { drawToken, FAMILIES, type Place } from "../place.ts";

const PORTS: Readonly<Record<Showing, number>> = { TLS: 443, HTTP: 80 };
const NAME = "another name at an open address";

export const SHOWN_NAMES: readonly Check[] = [{ name: NAME, row: "33", run }];

async function run(place: Place): Promise<readonly Finding[]> {
  const { allowedName, nameservers, watch } = place;
  if (allowedName === undefined)
    return [{ what: "", ...untried("no allowed name is given: --allowed NAME") }];
  const trials: Trial[] = [];
  const missing: Finding[] = [];
  for (const family of FAMILIES) {
    if (place.own[family] === undefined) {
      missing.push({ what: family, family, ...untried("no route") });
      continue;
    }
    const address = await addressOf(allowedName, family, nameservers);
    if (address === undefined)
      missing.push({ what: family, family, ...untried(`no address of ${allowedName}`) });
    else trials.push(showing("TLS", family, address), showing("HTTP", family, address));
  }
  return [...(await runTrials(watch, trials, judgeShownName)), ...missing];
}

function showing(by: Showing, family: Family, address: string): Trial {
  const label = drawToken().toString("hex");
  const endpoint = { address, port: PORTS[by] };
  return {
    what: by,
    family,
    mark: holdsLabel(label),
    act: () => showName(by, endpoint, nameToDeny(label)),
  };
}
