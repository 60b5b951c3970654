/** What clients of each protocol say first, as hex: enough of it to be told by. */

export const hex = (text: string): string => Buffer.from(text, "latin1").toString("hex");

/** SSH_MSG_KEXINIT in a packet that goes on. */
export const KEXINIT = `000001f40414${"00".repeat(40)}`;
export const SSH_LINE = hex("SSH-2.0-OpenSSH_9.2p1\r\n");
export const SSL_REQUEST = "0000000804d2162f";

export function startup(parameters: string): string {
  const length = 8 + parameters.length;
  return `${length.toString(16).padStart(8, "0")}00030000${hex(parameters)}`;
}

export const STARTUP = startup("user\0alice\0database\0shop\0\0");
export const request = (host: string): string => hex(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
