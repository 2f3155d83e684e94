/* The course of the learning rate. It is a function of numbers alone, so that a run that is
 * restored follows the same course. */
#include <math.h>

#include "convlstm.h"

double convlstm_schedule_rate(const convlstm_schedule *s, uint64_t step)
{
    const double pi = 3.14159265358979323846;
    if (step < s->warmup) return s->rate * (double)(step + 1) / (double)s->warmup;
    switch (s->kind) {
    case CONVLSTM_SCHEDULE_STEP:
        return s->every ? s->rate * pow(s->factor, (double)(step / s->every)) : s->rate;
    case CONVLSTM_SCHEDULE_COSINE: {
        if (s->total <= s->warmup) return s->rate;
        double done = (double)(step - s->warmup) / (double)(s->total - s->warmup);
        return s->rate * 0.5 * (1 + cos(pi * (done < 1 ? done : 1)));
    }
    case CONVLSTM_SCHEDULE_CONSTANT:
    case CONVLSTM_SCHEDULE_PLATEAU: break;
    }
    return s->rate;
}

void convlstm_watch_begin(convlstm_watch *w) { *w = (convlstm_watch){.best = INFINITY}; }

int convlstm_watch_see(convlstm_watch *w, double loss, double min_delta)
{
    w->seen++;
    if (loss < w->best - min_delta) {
        w->best = loss;
        w->best_at = w->seen;
        w->waited = 0;
        return 1;
    }
    w->waited++;
    return 0;
}

double convlstm_plateau_rate(const convlstm_schedule *s, convlstm_watch *w, double rate)
{
    if (s->kind != CONVLSTM_SCHEDULE_PLATEAU || !s->patience || w->waited < s->patience)
        return rate;
    w->waited = 0;
    double next = rate * s->factor;
    return next > s->min_rate ? next : rate < s->min_rate ? rate : s->min_rate;
}
