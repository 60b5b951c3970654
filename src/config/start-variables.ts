/** Variables by which what starts this process hands it something, for it alone. */

/** As it is given; programs that this process starts do not get it any more. */
export function takeVariable(name: string): string | undefined {
  const value = process.env[name];
  delete process.env[name];
  return value;
}
