/**
 * Numbers that sockets of every family share (linux/net.h, linux/socket.h, asm-generic/socket.h), the same on
 * x86-64 and arm64.
 */
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const MSG_DONTWAIT = 0x40;
export const SO_REUSEADDR = 2;
export const SO_ERROR = 4;
export const SO_PRIORITY = 12;
export const SO_MARK = 36;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 26;
