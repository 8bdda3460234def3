// connections CLIENT-NS ADDRESS PORT SERVER-NS SERVER-PORT COUNT
//
// Opens COUNT TCP connections, one after the other: a byte there, a byte back, and an end by reset. Both ends are this process, and what the kernel does
// between them happens in its own softirqs. Prints its CPU time of a connection in nanoseconds.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int listener;

static void fail(const char *what) { perror(what); exit(1); }

static void enter(const char *name) {
  char path[256];
  snprintf(path, sizeof path, "/run/netns/%s", name);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0 || setns(file, CLONE_NEWNET)) fail(path);
  close(file);
}

static void *serve(void *unused) {
  char byte;
  for (;;) {
    int connection = accept(listener, NULL, NULL);
    if (connection < 0) fail("accept");
    if (read(connection, &byte, 1) == 1 && write(connection, &byte, 1) == 1) (void)!read(connection, &byte, 1);
    close(connection);
  }
  return unused;
}

static void ask(const struct sockaddr_in *to) {
  struct linger reset = { 1, 0 };
  struct timeval patience = { 10, 0 };
  char byte = 'x';
  int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(connection, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(connection, (void *)to, sizeof *to)) fail("connect");
  if (write(connection, &byte, 1) != 1 || read(connection, &byte, 1) != 1) fail("exchange");
  close(connection);
}

int main(int count, char **words) {
  if (count != 7) { fprintf(stderr, "the first lines of connections.c say how to call this\n"); return 2; }
  struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(atoi(words[5])) }, to = { .sin_family = AF_INET, .sin_port = htons(atoi(words[3])) };
  if (!inet_aton(words[2], &to.sin_addr)) fail(words[2]);
  enter(words[4]);
  int yes = 1;
  pthread_t server;
  listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, (void *)&at, sizeof at) || listen(listener, 128) || pthread_create(&server, NULL, serve, NULL)) fail("listen");
  enter(words[1]);
  for (int i = 0; i < 50; i++) ask(&to);
  struct timespec before, after;
  long connections = atol(words[6]);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  for (long i = 0; i < connections; i++) ask(&to);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  printf("%.0f\n", ((after.tv_sec - before.tv_sec) * 1e9 + (after.tv_nsec - before.tv_nsec)) / connections);
  return 0;
}
