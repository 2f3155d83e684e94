#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOG_SECONDS = 30 };

static bool logs, silent; /* of progress_set_ranks */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void progress_set_ranks(int rank)
{
    silent = rank > 0;
    logs = rank == 0;
}

void progress_start(progress *p, const char *what, size_t total)
{
    bool terminal = isatty(STDERR_FILENO) == 1;
    *p = (progress){.what = what,
                    .total = total,
                    .start = now(),
                    .on = !silent && (terminal || logs),
                    .plain = !terminal};
    p->last = p->start;
}

/* "1:23:45" or "2:05" */
static void write_duration(char *out, size_t size, double seconds)
{
    unsigned long s = seconds > 0 ? (unsigned long)(seconds + 0.5) : 0;
    if (s >= 3600)
        snprintf(out, size, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, size, "%lu:%02lu", s / 60, s % 60);
}

void progress_update(progress *p, size_t done, const char *note)
{
    double t = now();
    bool finished = p->total && done >= p->total;
    if (!p->on || (p->shown && !finished && t - p->last < 0.1)) return;
    if (p->plain && t - p->last < LOG_SECONDS) return;
    p->last = t;
    p->shown = !p->plain;
    double spent = t - p->start,
           rate = spent > 0 && done > p->before ? (double)(done - p->before) / spent : 0;
    char left[32] = "";
    if (p->total && rate > 0)
        write_duration(left, sizeof left, (double)(p->total - (finished ? p->total : done)) / rate);
    if (p->plain) {
        fprintf(stderr, "%s: %zu of %zu, %.1f/s, %s left\n", p->what, done, p->total, rate, left);
    } else if (p->total) {
        enum { WIDTH = 24 };
        char bar[WIDTH + 1];
        size_t filled = finished ? WIDTH : done * WIDTH / p->total;
        memset(bar, '.', WIDTH);
        memset(bar, '#', filled);
        bar[WIDTH] = 0;
        fprintf(stderr, "\r%s [%s] %zu/%zu  %.1f/s  %s left  %.40s\033[K", p->what, bar, done,
                p->total, rate, left, note ? note : "");
    } else {
        fprintf(stderr, "\r%s %zu  %.1f/s  %.40s\033[K", p->what, done, rate, note ? note : "");
    }
    fflush(stderr);
}

void progress_end(progress *p)
{
    if (p->shown) fputs("\r\033[K", stderr);
    p->shown = false;
}
