/* Prints the IPv4 addresses that the C library's resolver finds for each name, one line a name, and how long it took. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    struct addrinfo wanted, *found = NULL;
    struct timespec before, after;
    memset(&wanted, 0, sizeof wanted);
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_family = AF_INET;
    clock_gettime(CLOCK_MONOTONIC, &before);
    int error = getaddrinfo(argv[i], NULL, &wanted, &found);
    clock_gettime(CLOCK_MONOTONIC, &after);
    long ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    printf("%s %d %ld", argv[i], error, ms);
    for (struct addrinfo *one = error ? NULL : found; one != NULL; one = one->ai_next) {
      char text[INET_ADDRSTRLEN];
      printf(" %s", inet_ntop(AF_INET, &((struct sockaddr_in *)one->ai_addr)->sin_addr, text, sizeof text));
    }
    printf("\n");
    if (found != NULL) freeaddrinfo(found);
  }
  return 0;
}
