/** Matches a packet with at least one octet of data. */
export const HAS_DATA = "@ih,0,8 >= 0";
