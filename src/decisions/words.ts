/** Numbers of the protocols in the words that people know them by. */

/** As `A`; a type without a name as `TYPE65400` (RFC 3597 section 5). */
export function typeWord(qtype: number): string {
  return TYPES[qtype] ?? `TYPE${qtype}`;
}

/** As `NXDOMAIN`; `RCODE20` for one without a name. */
export function rcodeWord(rcode: number): string {
  return RCODES[rcode] ?? `RCODE${rcode}`;
}

/** As `tcp`; the number of one without a name. */
export function protocolWord(protocol: number): string {
  return PROTOCOLS[protocol] ?? String(protocol);
}

/** IANA, "Domain Name System Parameters". */
const TYPES: Readonly<Record<number, string>> = {
  1: "A",
  2: "NS",
  5: "CNAME",
  6: "SOA",
  12: "PTR",
  13: "HINFO",
  15: "MX",
  16: "TXT",
  28: "AAAA",
  29: "LOC",
  33: "SRV",
  35: "NAPTR",
  39: "DNAME",
  43: "DS",
  44: "SSHFP",
  46: "RRSIG",
  47: "NSEC",
  48: "DNSKEY",
  52: "TLSA",
  64: "SVCB",
  65: "HTTPS",
  99: "SPF",
  251: "IXFR",
  252: "AXFR",
  255: "ANY",
  256: "URI",
  257: "CAA",
};

const RCODES: Readonly<Record<number, string>> = {
  0: "NOERROR",
  1: "FORMERR",
  2: "SERVFAIL",
  3: "NXDOMAIN",
  4: "NOTIMP",
  5: "REFUSED",
  6: "YXDOMAIN",
  7: "YXRRSET",
  8: "NXRRSET",
  9: "NOTAUTH",
  10: "NOTZONE",
  16: "BADVERS",
};

/** IANA, "Protocol Numbers". */
const PROTOCOLS: Readonly<Record<number, string>> = {
  1: "icmp",
  6: "tcp",
  17: "udp",
  33: "dccp",
  58: "icmpv6",
  132: "sctp",
  136: "udplite",
};
