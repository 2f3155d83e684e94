/* Reads HDF5 in a process behind the fence. The process sends:
 *
 *   for each array   a record with its name and shape, then its floats
 *   at the end       the last record: the rest of the contents, or the error; then the bytes of the
 *                    configuration
 *
 * A record is one struct of fixed size; both sides are the same program. The reader of the records
 * believes nothing: the other side may have been taken over by the file. */
#ifdef HAVE_HDF5
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "fence/fence_call.h"
#include "hdf5_contents.h"
#include "keras_readers.h"

/* Seconds of processor time for a file, and for each so many bytes of it. */
enum { SECONDS = 10, BYTES_PER_SECOND = 8 << 20 };

/* The memory of the process: so much for any file, and for each byte of the file: libhdf5 copies
 * the file, which may hold half floats, or deflated ones. */
#define MEMORY ((size_t)256 << 20)
#define MEMORY_PER_BYTE 8

typedef struct record {
    bool array; /* false: the last one */
    /* of an array */
    char name[NBASE_MAX_NAME];
    int ndim;
    size_t shape[NBASE_MAX_DIMS];
    /* of the last */
    bool ok;
    nbase_error error; /* if not ok */
    hdf5_layout layout;
    keras_order order;
    int generation;
    bool has_config;
    size_t config_size;
} record;

/* ---- behind the fence ---- */

typedef struct source {
    const void *bytes;
    size_t size;
    const char *what;
} source;

static bool send_array(const nbase_array *a)
{
    record r = {.array = true, .ndim = a->ndim};
    strcpy(r.name, a->name);
    memcpy(r.shape, a->shape, sizeof r.shape);
    return fence_write(&r, sizeof r) && fence_write(a->data, a->count * sizeof(float));
}

static void read_and_send(void *ctx)
{
    const source *s = ctx;
    hdf5_contents c = {0};
    record last = {0};
    last.ok = !nbase_archive_create(NULL, &c.weights)
                  ? hdf5_read(s->bytes, s->size, s->what, &c, &last.error)
                  : tool_fail(&last.error, NBASE_ERR_NOMEM, "%s: out of memory", s->what);
    for (size_t i = 0; last.ok && i < nbase_archive_count(c.weights); i++)
        if (!send_array(nbase_archive_at(c.weights, i))) return;
    last.layout = c.layout;
    last.order = c.order;
    last.generation = c.generation;
    last.has_config = c.config != NULL;
    last.config_size = c.config ? strlen(c.config) : 0;
    if (fence_write(&last, sizeof last)) fence_write(c.config, last.config_size);
}

/* ---- this side ---- */

static const struct {
    const char *kind;
    keras_naming naming;
} layouts[HDF5_LAYOUTS] = {[HDF5_WEIGHTS] = {"Keras HDF5 weights", KERAS_IN_ORDER},
                           [HDF5_MODEL] = {"Keras HDF5 model", KERAS_IN_ORDER},
                           [HDF5_COUNTED] = {"Keras .weights.h5", KERAS_COUNTED}};

/* What is received, and how the attempt stands. */
typedef struct receiver {
    fence_call call;
    keras_file *out;
    const char *what;
    nbase_error *err;
    bool broken; /* what came is no answer, or nothing came */
} receiver;

static bool break_off(receiver *r)
{
    r->broken = true;
    return false;
}

/* Floats that the process can have had, in as many axes as an array can have. */
static bool possible(const record *m, size_t memory)
{
    size_t most = memory / sizeof(float), count = 1;
    if (m->ndim < 0 || m->ndim > NBASE_MAX_DIMS || !memchr(m->name, 0, sizeof m->name))
        return false;
    for (int k = 0; k < m->ndim; k++) {
        if (m->shape[k] && count > most / m->shape[k]) return false;
        count *= m->shape[k];
    }
    return true;
}

static bool take_array(receiver *r, const record *m)
{
    nbase_array *a;
    if (!possible(m, r->call.limits.memory)) return break_off(r);
    nbase_status status =
        nbase_archive_add(r->out->weights, m->name, NBASE_F32, m->ndim, m->shape, NULL, &a);
    if (status == NBASE_ERR_NOMEM)
        return tool_fail(r->err, NBASE_ERR_NOMEM, "%s: out of memory", r->what);
    if (status || !fence_call_receive(&r->call, a->data, a->count * sizeof(float)))
        return break_off(r);
    return true;
}

static bool take_config(receiver *r, size_t size)
{
    if (size > r->call.limits.memory) return break_off(r);
    char *text = malloc(size + 1);
    if (!text) return tool_fail(r->err, NBASE_ERR_NOMEM, "%s: out of memory", r->what);
    json_error_t problem = {.text = "it is empty"};
    bool came = fence_call_receive(&r->call, text, size);
    json_decref(r->out->config);
    r->out->config = came && size ? json_loadb(text, size, 0, &problem) : NULL;
    free(text);
    if (!came) return break_off(r);
    return r->out->config ||
           tool_fail(r->err, NBASE_ERR_FORMAT, "%s: the attribute model_config is not JSON: %s",
                     r->what, problem.text);
}

static bool take_last(receiver *r, record *m)
{
    m->error.text[sizeof m->error.text - 1] = '\0';
    if (!m->ok) return tool_fail(r->err, m->error.status, "%s", m->error.text);
    if ((unsigned)m->layout >= HDF5_LAYOUTS || (unsigned)m->order >= KERAS_ORDERS)
        return break_off(r);
    r->out->kind = layouts[m->layout].kind;
    r->out->naming = layouts[m->layout].naming;
    r->out->order = m->order;
    r->out->generation = m->generation == 2 || m->generation == 3 ? m->generation : 0;
    return !m->has_config || take_config(r, m->config_size);
}

static bool take_all(receiver *r)
{
    record m;
    while (fence_call_receive(&r->call, &m, sizeof m)) {
        if (!m.array) return take_last(r, &m);
        if (!take_array(r, &m)) return false;
    }
    return break_off(r);
}

bool keras_read_hdf5(const void *bytes, size_t size, const char *what, keras_file *out,
                     nbase_error *err)
{
    source s = {bytes, size, what};
    receiver r = {.out = out, .what = what, .err = err};
    const fence_limits limits = {.memory = MEMORY + MEMORY_PER_BYTE * size,
                                 .seconds = (unsigned)(SECONDS + size / BYTES_PER_SECOND)};
    if (!fence_call_begin(&r.call, read_and_send, &s, &limits, err)) return false;
    bool ok = take_all(&r);
    fence_call_end(&r.call, !r.broken, what, "the reader of HDF5", err);
    return ok;
}

#else /* what can only be refused needs no fence */

#include "h5file.h"
#include "keras_readers.h"

bool keras_read_hdf5(const void *bytes, size_t size, const char *what, keras_file *out,
                     nbase_error *err)
{
    (void)out;
    return h5_open(bytes, size, what, err) != NULL;
}
#endif
