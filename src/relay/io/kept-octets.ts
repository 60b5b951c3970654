/** A step: what each connection may keep without being told of. */
const STEP_OCTETS = 16 << 10;

/** Tells how many octets are kept, in whole steps: what most requests are in costs no call. */
export function tellInSteps(keeps: ((octets: number) => void) | undefined): (octets: number) => void {
  let told = 0;
  return (octets) => {
    const whole = octets - (octets % STEP_OCTETS);
    if (whole === told) return;
    told = whole;
    keeps?.(whole);
  };
}
