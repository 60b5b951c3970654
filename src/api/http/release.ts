/**
 * Frees the memory of octets that nothing looks at any more, now. V8 collects it only once some 64 MiB of it
 * lie there, half of what a small container has. Of that memory nothing else may be in use, as it is with
 * what Node reads from a socket or its parser gives.
 */
export function release({ buffer }: Buffer): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
