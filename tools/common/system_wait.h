/* system_wait.h - the part of system.h for threads, which not every system has. */
#ifndef SKIN_SYSTEM_WAIT_H
#define SKIN_SYSTEM_WAIT_H

#include <pthread.h>

/* Makes a condition for system_wait. */
void system_condition(pthread_cond_t *c);

/* Waits for the condition, but no longer than so many nanoseconds. On Windows that is by the clock
 * of the machine, and so longer or shorter if it is set meanwhile. The caller looks again. */
void system_wait(pthread_cond_t *c, pthread_mutex_t *held, long nanoseconds);

#endif
