/**
 * How the kernel takes datagrams in batches (`recvmmsg`, `sendmmsg`), all little-endian, 64-bit:
 *
 *     mmsghdr  name:8 name_length:4 pad:4 iov:8 iov_count:8 control:8 control_length:8 flags:4 pad:4 | length:4 pad:4   64 octets
 *     iovec    base:8 length:8                                                                                          16 octets
 */

/** Datagrams of one system call, at most. */
export const BATCH = 64;

/** Octets of one mmsghdr and of one iovec. */
export const HEADER = 64;
export const VECTOR = 16;

/** Offsets in an mmsghdr. */
export const NAME_LENGTH = 8;
export const VECTORS = 16;
export const VECTOR_COUNT = 24;
export const CONTROL = 32;
export const CONTROL_LENGTH = 40;
export const FLAGS = 48;
export const LENGTH = 56;
