/* direct_gates.h - from products to c' and h' (direct.h): two filters and a vector of pixels at a
 * time, while the tile unit multiplies for the next unit. For templates. */
#ifndef CONVLSTM_DIRECT_GATES_H
#define CONVLSTM_DIRECT_GATES_H

#include "direct.h"
#include "direct_frames.h"

/* tanh by a polynomial of |x| for each quarter: row k has the coefficients of |x|^k around 0, 1/4,
 * ... 31/4. Error below 1.3e-4, beside up to 2e-3 of a value of bfloat16. At 0 it is 0.
 *
 * While tiles multiply, one of the processor's two units for products of 512 bits does nothing
 * else, and its decoder is busy with them: this takes 11 instructions, of which that unit takes
 * 3. */
static const float tanh_table[3][32] __attribute__((aligned(64))) = {
    {0.000000000e+00f, -3.564178478e-03f, -2.062369324e-02f, -2.470754832e-02f, 2.110872790e-02f,
     1.241328791e-01f, 2.634310126e-01f,  4.113937616e-01f,  5.479033589e-01f,  6.630896330e-01f,
     7.546738982e-01f, 8.245530128e-01f,  8.763139248e-01f,  9.138163328e-01f,  9.405287504e-01f,
     9.592992663e-01f, 9.723434448e-01f,  9.813243151e-01f,  9.874586463e-01f,  9.916198254e-01f,
     9.944254160e-01f, 9.963068366e-01f,  9.975623488e-01f,  9.983965158e-01f,  9.989485741e-01f,
     9.993125796e-01f, 9.995517731e-01f,  9.997084737e-01f,  9.998108149e-01f,  9.998775125e-01f,
     9.999208450e-01f, 9.999499917e-01f},
    {1.002215743e+00f, 1.050778508e+00f, 1.145580173e+00f, 1.162540197e+00f, 1.059786916e+00f,
     8.769615293e-01f, 6.738898158e-01f, 4.911451638e-01f, 3.449803293e-01f, 2.361612916e-01f,
     1.587605923e-01f, 1.053396687e-01f, 6.921853125e-02f, 4.514633119e-02f, 2.927317470e-02f,
     1.889032312e-02f, 1.214151364e-02f, 7.777197752e-03f, 4.966873676e-03f, 3.163762623e-03f,
     2.010514028e-03f, 1.274949289e-03f, 8.069475880e-04f, 5.098425900e-04f, 3.216082696e-04f,
     2.025689610e-04f, 1.274151000e-04f, 8.004123083e-05f, 5.022146797e-05f, 3.147617463e-05f,
     1.970707672e-05f, 1.205696026e-05f},
    {-5.755724758e-02f, -2.275230587e-01f, -3.602366447e-01f, -3.769858479e-01f, -3.193031549e-01f,
     -2.381122708e-01f, -1.640515476e-01f, -1.075986400e-01f, -6.845883280e-02f, -4.275074601e-02f,
     -2.639369667e-02f, -1.618209109e-02f, -9.879395366e-03f, -6.016012747e-03f, -3.657704219e-03f,
     -2.221757313e-03f, -1.348760212e-03f, -8.185048937e-04f, -4.966104170e-04f, -3.012690868e-04f,
     -1.827508968e-04f, -1.108520955e-04f, -6.723816477e-05f, -4.078310303e-05f, -2.473660425e-05f,
     -1.500365670e-05f, -9.100232091e-06f, -5.519589649e-06f, -3.347807706e-06f, -2.030550831e-06f,
     -1.231592250e-06f, -7.295500382e-07f},
};

/* 1.5 * 2^21: added to a number up to 8 it leaves the number of quarters, rounded, in the lowest
 * bits. */
#define TANH_QUARTERS 3145728.0f
#define TANH_LIMIT 7.87f

/* n vectors together, as in vec_math.h. Of NaN it is 1 or -1: the sum that such a value goes into
 * is NaN by itself. */
INLINE void tanh_each(const int n, const vec *in, vec *out)
{
    vec a[2], quarter[2], y[2];
    UNROLL
    for (int i = 0; i < n; i++) {
        a[i] = v_least_abs(in[i], TANH_LIMIT);
        quarter[i] = v_add(a[i], v_set(TANH_QUARTERS));
        y[i] = v_pick(tanh_table[2], quarter[i]);
    }
    UNROLL
    for (int k = 1; k >= 0; k--) UNROLL
    for (int i = 0; i < n; i++) y[i] = v_fused(y[i], a[i], v_pick(tanh_table[k], quarter[i]));
    UNROLL
    for (int i = 0; i < n; i++) out[i] = v_with_sign(y[i], in[i]);
}

INLINE vec clip(vec z) { return v_min(v_set(1.0f), v_max(v_set(0.0f), z)); }

/* The gates i, f and o of two filters. */
INLINE void recurrent_pair(const bool hard, const vec *in, vec *out)
{
    if (!hard) tanh_each(2, in, out);
    UNROLL
    for (int e = 0; e < 2; e++)
        out[e] = hard ? clip(in[e]) : v_fused(out[e], v_set(0.5f), v_set(0.5f));
}

INLINE void activate_pair(const bool rectified, const vec *in, vec *out)
{
    if (!rectified) tanh_each(2, in, out);
    UNROLL
    for (int e = 0; e < 2 && rectified; e++) out[e] = v_max(v_set(0.0f), in[e]);
}

/* ---- gates ---- */

static const float no_state[2 * LANES] __attribute__((aligned(64)));

/* A job: two filters and a vector of pixels. */
typedef struct job {
    size_t pair, vector;     /* in the layer, in the frame */
    const float *z, *c_prev; /* its products, its state */
    float *c;
    size_t h; /* where vector 0 of its words is in a frame h */
} job;

/* Products whose gates are still to be computed: those of a row, of up to DIRECT_VECTORS vectors,
 * of a block of filters. They are so many jobs. */
typedef struct pending {
    const convlstm__direct *d;
    const convlstm__direct_step *step;
    void (*gates)(struct pending *p, size_t jobs); /* runs the next jobs, at least one */
    size_t y, block, first, vectors;               /* first: of the vectors */
    size_t jobs;
    job next;
} pending;

INLINE void begin_jobs(pending *p)
{
    const convlstm__direct *d = p->d;
    const convlstm__direct_step *s = p->step;
    const size_t pair = 2 * p->block, pairs = d->h.pairs - pair,
                 at = convlstm__direct_c_at(d, p->y, pair, p->first);
    p->jobs = (pairs < 2 ? pairs : 2) * p->vectors;
    p->next = (job){.pair = pair,
                    .vector = p->first,
                    .z = s->scratch,
                    .c_prev = s->c_prev ? s->c_prev + at : no_state,
                    .c = s->c + at,
                    .h = convlstm__rows_at(&d->h, p->y, pair)};
}

INLINE void step_job(const pending *p, job *j)
{
    const convlstm__rows *h = &p->d->h;
    size_t state = 2 * LANES;
    j->z += DIRECT_TILE;
    if (++j->vector == p->first + p->vectors) {
        j->vector = p->first;
        j->pair++;
        j->z += 8 * LANES - p->vectors * DIRECT_TILE;
        j->h += h->pitch;
        state += (h->vectors - p->vectors) * 2 * LANES;
    }
    j->c += state;
    if (p->step->c_prev) j->c_prev += state;
}

/* The map of a job's words. */
OUT_OF_LINE void put_mapped(const pending *p, size_t pair, size_t vector, size_t to, vec words)
{
    const convlstm__direct_step *s = p->step;
    const convlstm__rows *r = &p->d->h;
    float scale[2], shift[2];
    map_of_pair(s->scale, p->d->filters, pair, scale);
    map_of_pair(s->shift, p->d->filters, pair, shift);
    put_words(r, vector, map_words(r, vector, words, scale, shift), s->mapped + to);
}

INLINE void gates_of_pair(const bool hard, const bool rectified, const pending *p, const job *j)
{
    const float *centre = p->step->packed + p->d->centre_at + 2 * j->pair;
    vec in[4][2], gate[4][2], c[2], out[2], h[2];
    UNROLL
    for (int g = 0; g < 4; g++) {
        UNROLL
        for (int e = 0; e < 2; e++) in[g][e] = v_load(j->z + (4 * e + g) * LANES);
        if (g == 2)
            activate_pair(rectified, in[g], gate[g]);
        else
            recurrent_pair(hard, in[g], gate[g]);
    }
    UNROLL
    for (int e = 0; e < 2; e++) {
        c[e] = v_fused(gate[1][e], v_load(j->c_prev + e * LANES), v_mul(gate[0][e], gate[2][e]));
        v_store(j->c + e * LANES, c[e]);
    }
    activate_pair(rectified, c, out);
    UNROLL
    for (int e = 0; e < 2; e++) h[e] = v_sub(v_mul(gate[3][e], out[e]), v_set(centre[e]));
    vec words = pair_words(&p->d->h, j->vector, h[0], h[1]);
    put_words(&p->d->h, j->vector, words, p->step->h + j->h);
    if (p->step->mapped) put_mapped(p, j->pair, j->vector, j->h, words);
}

#define GATES(name, hard, rectified)                                                               \
    OUT_OF_LINE void name(pending *p, size_t jobs)                                                 \
    {                                                                                              \
        job j = p->next;                                                                           \
        do {                                                                                       \
            gates_of_pair(hard, rectified, p, &j);                                                 \
            step_job(p, &j);                                                                       \
        } while (--jobs);                                                                          \
        p->next = j;                                                                               \
    }
GATES(gates_hard_tanh, true, false)
GATES(gates_hard_relu, true, true)
GATES(gates_sigmoid_tanh, false, false)
GATES(gates_sigmoid_relu, false, true)
#undef GATES

INLINE void (*gates_for(const convlstm__direct *d))(pending *, size_t)
{
    if (d->hard) return d->rectified ? gates_hard_relu : gates_hard_tanh;
    return d->rectified ? gates_sigmoid_relu : gates_sigmoid_tanh;
}

#endif
