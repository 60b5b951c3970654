/*
 * Opens TCP connections over IPv4 by raw packets: syn-flood ADDRESS PORT PER_SECOND SECONDS SENDERS. Prints
 * a JSON line: how many were sent, how long it took, and the senders' processor time, their own and the
 * kernel's, in microseconds. A refused packet is an error of its own (EPERM), at which sendmmsg(2) would
 * stop, so each is a call.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SOURCE_PORTS = 512, FIRST_PORT = 20000, AT_ONCE = 64 };

struct pseudo {
  uint32_t source, destination;
  uint16_t protocol, length;
  struct tcphdr header;
};

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec + at.tv_nsec / 1e9;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static uint16_t checksum(const void *octets, size_t length) {
  const uint16_t *words = octets;
  uint32_t total = 0;
  for (size_t i = 0; i < length / 2; i++) total += words[i];
  while (total >> 16) total = (total & 0xffff) + (total >> 16);
  return ~total;
}

static struct sockaddr_in own_address(const struct sockaddr_in *to) {
  struct sockaddr_in own;
  socklen_t length = sizeof own;
  int probe = socket(AF_INET, SOCK_DGRAM, 0);
  if (connect(probe, (const struct sockaddr *)to, sizeof *to) || getsockname(probe, (struct sockaddr *)&own, &length)) fail("route");
  close(probe);
  return own;
}

/* Sends so many a second for so long, from source ports of its own; how many that were. */
static long flood(const struct sockaddr_in *to, double per_second, double seconds, int sender) {
  static struct tcphdr packets[SOURCE_PORTS];
  struct sockaddr_in own = own_address(to), place = *to;
  place.sin_port = 0;
  for (int i = 0; i < SOURCE_PORTS; i++) {
    struct pseudo whole;
    memset(&whole, 0, sizeof whole);
    whole.source = own.sin_addr.s_addr;
    whole.destination = to->sin_addr.s_addr;
    whole.protocol = htons(IPPROTO_TCP);
    whole.length = htons(sizeof whole.header);
    whole.header.source = htons(FIRST_PORT + sender * SOURCE_PORTS + i);
    whole.header.dest = to->sin_port;
    whole.header.seq = htonl(1);
    whole.header.doff = 5;
    whole.header.syn = 1;
    whole.header.window = htons(64240);
    whole.header.check = checksum(&whole, sizeof whole);
    packets[i] = whole.header;
  }
  int raw = socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
  if (raw < 0) fail("socket");
  long count = 0;
  double began = now(), passed;
  while ((passed = now() - began) < seconds) {
    long due = passed * per_second;
    if (due <= count) usleep(500);
    for (int i = 0; i < AT_ONCE && count < due; i++, count++)
      if (sendto(raw, &packets[count % SOURCE_PORTS], sizeof *packets, 0, (struct sockaddr *)&place, sizeof place) < 0 && errno != EPERM) fail("sendto");
  }
  return count;
}

static double microseconds(struct timeval time) { return time.tv_sec * 1e6 + time.tv_usec; }

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
  if (inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) return 2;
  double per_second = atof(argv[3]), seconds = atof(argv[4]);
  int senders = atoi(argv[5]), counts[2];
  if (pipe(counts)) fail("pipe");
  double began = now();
  for (int sender = 0; sender < senders; sender++) {
    pid_t child = fork();
    if (child < 0) fail("fork");
    if (child > 0) continue;
    long count = flood(&to, per_second / senders, seconds, sender);
    _exit(write(counts[1], &count, sizeof count) == sizeof count ? 0 : 1);
  }
  long sent = 0;
  for (int status, sender = 0; sender < senders; sender++) {
    if (wait(&status) < 0 || status != 0) return 1;
    long count;
    if (read(counts[0], &count, sizeof count) != sizeof count) fail("read");
    sent += count;
  }
  struct rusage used;
  getrusage(RUSAGE_CHILDREN, &used);
  printf("{\"sent\":%ld,\"seconds\":%.3f,\"ownUs\":%.0f,\"kernelUs\":%.0f}\n", sent, now() - began, microseconds(used.ru_utime), microseconds(used.ru_stime));
}
