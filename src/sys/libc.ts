/**
 * The system calls that Node does not offer, through libc. Only `src/sys` imports koffi; everything above it
 * sees typed functions.
 *
 * Memory is handed over as a number: the address of an {@link Arena}'s octets, which V8 never moves. Linux on
 * 64-bit little-endian machines only (x86-64, arm64): both have the constants and layouts of these files, as
 * their headers say. Flags of open(2), which differ, come from Node.
 */
import koffi from "koffi";
import { SystemCallError } from "./errors.ts";

const libc = koffi.load("libc.so.6");

type Call = (...args: number[]) => number;
const declare = (prototype: string): Call => libc.func(prototype) as Call;

const calls = {
  socket: declare("int socket(int domain, int type, int protocol)"),
  bind: declare("int bind(int fd, uintptr_t address, uint32_t length)"),
  listen: declare("int listen(int fd, int backlog)"),
  accept4: declare("int accept4(int fd, uintptr_t address, uintptr_t length, int flags)"),
  connect: declare("int connect(int fd, uintptr_t address, uint32_t length)"),
  close: declare("int close(int fd)"),
  mallopt: declare("int mallopt(int parameter, int value)"),
  malloc_trim: declare("int malloc_trim(size_t pad)"),
  memfd_create: declare("int memfd_create(uintptr_t name, uint32_t flags)"),
  setsockopt: declare("int setsockopt(int fd, int level, int name, uintptr_t value, uint32_t length)"),
  getsockopt: declare("int getsockopt(int fd, int level, int name, uintptr_t value, uintptr_t length)"),
  getsockname: declare("int getsockname(int fd, uintptr_t address, uintptr_t length)"),
  getpeername: declare("int getpeername(int fd, uintptr_t address, uintptr_t length)"),
  socketpair: declare("int socketpair(int domain, int type, int protocol, uintptr_t ends)"),
  send: declare("intptr_t send(int fd, uintptr_t buffer, uintptr_t length, int flags)"),
  recv: declare("intptr_t recv(int fd, uintptr_t buffer, uintptr_t length, int flags)"),
  recvmmsg: declare("int recvmmsg(int fd, uintptr_t headers, uint32_t count, int flags, uintptr_t timeout)"),
  sendmmsg: declare("int sendmmsg(int fd, uintptr_t headers, uint32_t count, int flags)"),
  poll: declare("int poll(uintptr_t descriptors, uintptr_t count, int timeout)"),
  ioctl: declare("int ioctl(int fd, uintptr_t request, uintptr_t argument)"),
  prctl: declare("int prctl(int option, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)"),
  setfsgid: declare("uint32_t setfsgid(uint32_t group)"),
  sendto: declare(
    "intptr_t sendto(int fd, uintptr_t buffer, uintptr_t length, int flags, uintptr_t address, uint32_t size)",
  ),
  recvfrom: declare(
    "intptr_t recvfrom(int fd, uintptr_t buffer, uintptr_t length, int flags, uintptr_t address, uintptr_t size)",
  ),
  if_nametoindex: declare("uint32_t if_nametoindex(uintptr_t name)"),
  capset: declare("int capset(uintptr_t header, uintptr_t data)"),
  unshare: declare("int unshare(int flags)"),
  setns: declare("int setns(int fd, int type)"),
  getrandom: declare("intptr_t getrandom(uintptr_t buffer, size_t length, uint32_t flags)"),
  mount: declare(
    "int mount(uintptr_t source, uintptr_t target, uintptr_t type, unsigned long flags, uintptr_t data)",
  ),
  umount2: declare("int umount2(uintptr_t target, int flags)"),
  flock: declare("int flock(int fd, int operation)"),
  pipe2: declare("int pipe2(uintptr_t ends, int flags)"),
  fcntl: declare("int fcntl(int fd, int command, intptr_t value)"),
  /** For calls that are younger than the C library of some machines. */
  syscall: declare("intptr_t syscall(intptr_t number, uintptr_t a, uintptr_t b, uintptr_t c)"),
};

export const ENOENT = 2;
export const EINTR = 4;
export const EIO = 5;
export const EAGAIN = 11;
export const ENODEV = 19;
export const EINVAL = 22;
export const EINPROGRESS = 115;
export const EMSGSIZE = 90;
export const ENOBUFS = 105;

type Syscall = keyof typeof calls;

/** Calls and returns the result, or `-errno`: for calls whose failure is part of their everyday work. */
export function tryCall(name: Syscall, ...args: number[]): number {
  const result = calls[name](...args);
  return result < 0 ? -koffi.errno() : result;
}

/**
 * Calls and returns the result; throws {@link SystemCallError}. `detail` names the object of the call for the
 * reader.
 */
export function mustCall(detail: string, name: Syscall, ...args: number[]): number {
  const result = tryCall(name, ...args);
  if (result < 0) throw new SystemCallError(name, -result, detail);
  return result;
}

/** The address of an array's first octet. The array must outlive every use of the number. */
export function addressOf(octets: Uint8Array): number {
  return Number(koffi.address(octets));
}
