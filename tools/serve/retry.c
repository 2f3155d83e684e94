#include "retry.h"

#include <math.h>

#include "serve_limits.h"

int retry_after(server *s, retry_hint hint)
{
    if (hint == RETRY_NEVER) return 0;
    if (hint == RETRY_STOPPING) return SERVE_RETRY_STOPPING;
    /* Addresses take turns: there is room for one of them after a job of each of the others. */
    size_t jobs = hint == RETRY_ROOM ? job_queue_lanes(&s->queue) : job_queue_length(&s->queue);
    double seconds = ceil(worker_pool_pace(&s->workers) * (double)(jobs > 0 ? jobs : 1)),
           most = ceil(s->options->deadline);
    return (int)(seconds < 1 ? 1 : seconds > most ? most : seconds);
}
