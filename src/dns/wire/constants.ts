/** Numbers of the DNS protocol, from the IANA registry "Domain Name System Parameters". */

export const HEADER_OCTETS = 12;
/** RFC 1035 section 2.3.4. */
export const MAX_NAME_OCTETS = 255;
export const MAX_LABEL_OCTETS = 63;

export const Rcode = {
  noError: 0,
  formErr: 1,
  servFail: 2,
  nxDomain: 3,
  notImp: 4,
  refused: 5,
  badVers: 16,
} as const;

export const RrType = {
  a: 1,
  ns: 2,
  md: 3,
  mf: 4,
  cname: 5,
  soa: 6,
  mb: 7,
  mg: 8,
  mr: 9,
  ptr: 12,
  hinfo: 13,
  minfo: 14,
  mx: 15,
  rp: 17,
  afsdb: 18,
  rt: 21,
  nsapPtr: 23,
  sig: 24,
  px: 26,
  aaaa: 28,
  nxt: 30,
  srv: 33,
  naptr: 35,
  kx: 36,
  dname: 39,
  opt: 41,
  ds: 43,
  rrsig: 46,
  nsec: 47,
  nsec3: 50,
  svcb: 64,
  https: 65,
  /** The first of the types that only a question may have (RFC 6895 section 3.1). */
  firstMeta: 128,
  ixfr: 251,
  axfr: 252,
  any: 255,
} as const;

export const CLASS_IN = 1;

/**
 * Extended DNS errors, RFC 8914 section 4. `blocked` speaks of a name, `filtered` of what a name that may be
 * asked would have given.
 */
export const Ede = {
  none: -1,
  other: 0,
  notReady: 14,
  blocked: 15,
  filtered: 17,
  prohibited: 18,
  notSupported: 21,
  noReachableAuthority: 22,
} as const;

/** Bits of the third and fourth header octets. */
export const Flag = {
  qr: 0x80,
  opcode: 0x78,
  aa: 0x04,
  tc: 0x02,
  rd: 0x01,
  ra: 0x80,
  ad: 0x20,
  cd: 0x10,
} as const;
