/* thread_link.h - the ranks of a job as threads of one process: a transport (ranks/ranks_link.h)
 * that can be made to fail. */
#ifndef THREAD_LINK_H
#define THREAD_LINK_H

#include "ranks/ranks_link.h"

typedef struct thread_hub thread_hub;

/* A hub for `size` ranks. From the call number `fail_at` on (0: never) of rank `fail_rank` one of
 * its functions, send, receive, test or probe, fails. */
thread_hub *thread_hub_create(int size, int fail_rank, unsigned long fail_at);
void thread_hub_free(thread_hub *hub);

/* The link of a rank; lives as long as the hub. */
const ranks_link *thread_hub_link(thread_hub *hub, int rank);

/* How many such calls the rank has made. */
unsigned long thread_hub_calls(const thread_hub *hub, int rank);

#endif
