/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A call, as far as the network is concerned: a small datagram every 20 ms. It asks for the class "voice", says where it goes,
 * moves itself half way, and says whenever it was moved, by whomever.
 *
 *   call ADDRESS PORT SECONDS [INTERFACE]
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <mipflow.h>

static long long milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Prints why a call of the library failed; gives its result on. */
static int told(struct mipflow_handle *flows, const char *what, int result) {
  char why[512];
  if (result < 0) {
    mipflow_last_message(flows, why, sizeof why);
    printf("%s: %s (%s)\n", what, why, strerror(-result));
  }
  return result;
}

static void print_flow(const char *word, const struct mipflow_flow *flow) {
  printf("%s flow %llu class %s interface %s home-address %s care-of-address %s %s\n", word, (unsigned long long)flow->id,
         flow->class_name, flow->interface_name, flow->home_address, flow->care_of_address, flow->direct ? "direct" : "tunnel");
}

int main(int argc, char **argv) {
  struct mipflow_handle *flows = NULL;
  struct mipflow_flow flow;
  struct mipflow_event event;
  struct sockaddr_in6 peer = {.sin6_family = AF_INET6};
  const char voice[160] = "";

  if (argc < 4 || inet_pton(AF_INET6, argv[1], &peer.sin6_addr) != 1) {
    fprintf(stderr, "usage: call ADDRESS PORT SECONDS [INTERFACE]\n");
    return 2;
  }
  peer.sin6_port = htons((in_port_t)atoi(argv[2]));
  setvbuf(stdout, NULL, _IOLBF, 0);

  /* Without mipflow the call goes on as any other would. */
  told(flows, "no daemon", mipflow_open(NULL, &flows));
  int sound = socket(AF_INET6, SOCK_DGRAM, 0);
  told(flows, "class", mipflow_want_class(flows, sound, "voice"));
  if (connect(sound, (const struct sockaddr *)&peer, sizeof peer) != 0) {
    perror("connect");
    return 1;
  }
  if (send(sound, voice, sizeof voice, 0) < 0) perror("send");

  /* The flow exists when its first packet has gone. */
  int known = -1;
  for (int tries = 0; known < 0 && tries < 100; ++tries) {
    known = mipflow_get_flow(flows, sound, &flow);
    if (known < 0) poll(NULL, 0, 20);
  }
  if (told(flows, "flow", known) == 0) print_flow("call:", &flow);
  told(flows, "watch", mipflow_watch(flows, sound));

  const long long begin = milliseconds(), end = begin + 1000LL * atoi(argv[3]);
  int has_moved = argc < 5;
  for (long long next = begin; milliseconds() < end;) {
    if (milliseconds() >= next) {
      next += 20;
      if (send(sound, voice, sizeof voice, 0) < 0) perror("send");
    }
    if (!has_moved && milliseconds() > (begin + end) / 2) {
      has_moved = 1;
      if (told(flows, "move", mipflow_move(flows, sound, argv[4])) == 0) printf("asked: to %s\n", argv[4]);
    }
    struct pollfd wait = {.fd = mipflow_event_fd(flows), .events = POLLIN};
    const long long pause = next - milliseconds();
    if (poll(&wait, 1, pause > 0 ? (int)pause : 0) > 0)
      while (mipflow_next_event(flows, &event) == 1) {
        printf("moved: from %s to %s\n", event.before.interface_name, event.now.interface_name);
        print_flow("call:", &event.now);
      }
  }
  mipflow_close(flows);
  close(sound);
  return 0;
}
