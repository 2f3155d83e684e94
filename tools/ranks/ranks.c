#include "ranks_own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "fail.h"
#include "launcher.h"
#include "progress.h"
#include "ranks_module.h"
#include "system.h"

enum { FAREWELL = 10 }; /* seconds that leaving may take before the ranks are ended */

/* ---- messages of the other ranks ---- */

/* The sink of cli.h on all ranks but 0. From any thread. */
static void take_line(void *ctx, const char *text)
{
    ranks *r = ctx;
    pthread_mutex_lock(&r->lock);
    size_t size = strlen(text) + 1;
    ranks_line *line = r->forwards ? malloc(sizeof *line + size) : NULL;
    if (line) {
        line->next = NULL;
        memcpy(line->text, text, size);
        *r->lines_end = line;
        r->lines_end = &line->next;
    }
    pthread_mutex_unlock(&r->lock);
}

void ranks_note_interrupt(ranks *r, const char *who)
{
    if (!cli_interrupted()) snprintf(r->interrupter, sizeof r->interrupter, " (%.100s)", who);
    cli_interrupt();
}

/* ---- joining ---- */

/* Everyone's greeting, on every rank. */
static bool exchange(ranks *r, nbase_error *err)
{
    wire *w = &r->wire;
    int own = w->link->rank, size = w->link->size;
    greeting_fill(&r->all[own]);
    if (own && !wire_send(w, 0, WIRE_AGREE, &r->all[own], sizeof *r->all, err)) return false;
    for (int from = 1; !own && from < size; from++)
        if (!wire_receive(w, from, WIRE_AGREE, &r->all[from], sizeof *r->all, err)) return false;
    return wire_broadcast(w, 0, r->all, (size_t)size * sizeof *r->all, err) &&
           greetings_compare(r->all, size, r->description, err);
}

bool ranks_join(ranks **out, const ranks_link *link, nbase_error *err)
{
    greeting own;
    ranks *r = calloc(1, sizeof *r);
    *out = r;
    if (!r) return tool_no_memory(err);
    pthread_mutex_init(&r->lock, NULL);
    r->lines_end = &r->lines;
    greeting_fill(&own);
    wire_init(&r->wire, link, own.host);
    ranks_group_init(r);
    r->all = calloc((size_t)link->size, sizeof *r->all);
    return r->all ? exchange(r, err) : tool_no_memory(err);
}

static void print_line(void *ctx, const char *line)
{
    (void)ctx;
    cli_print_line(line);
}

/* The module could not be loaded. Where that is so for all ranks, rank 0 says it, and the launcher
 * ends the others; else this rank has to. */
static bool fail_to_load(const launcher *by, nbase_error *err)
{
    greeting own;
    if (!by->rank) return false;
    greeting_fill(&own);
    sleep(2);
    if (cli_interrupted()) return false; /* by the launcher, since rank 0 has failed, too */
    cli_set_sink(print_line, NULL);
    nbase_error why = *err;
    return tool_fail(err, why.status, "rank %d on %s: %.300s", by->rank, own.host, why.text);
}

bool ranks_begin(ranks **out, nbase_error *err)
{
    launcher by = {0};
    *out = NULL;
    if (!launcher_find(&by)) return true;
    const ranks_link *link = ranks_module_load(err);
    if (!link) return fail_to_load(&by, err);
    if (by.size && by.size != link->size)
        return tool_fail(err, NBASE_ERR_UNSUPPORTED,
                         "%s started %d processes, but Open MPI sees %d: use Open MPI's own mpirun "
                         "or srun --mpi=pmix; with SKIN_RANKS=off each process does the whole job",
                         by.name, by.size, link->size);
    if (link->size == 1) {
        link->close(link->ctx);
        return true;
    }
    bool ok = ranks_join(out, link, err);
    if (*out) {
        (*out)->is_process = true;
        cli_set_sink(link->rank ? take_line : NULL, *out);
    }
    progress_set_ranks(link->rank);
    if (link->rank && !freopen("/dev/null", "w", stdout))
        return tool_fail(err, NBASE_ERR_IO, "/dev/null cannot be opened");
    char text[GREETING_WARNING];
    if (ok && !link->rank && greetings_one_core((*out)->all, link->size, text))
        cli_warn("%s", text);
    return ok;
}

/* ---- leaving ---- */

static void report_traffic(const ranks *r)
{
    static const char *const names[WIRE_TAGS] = {"stop",       NULL,      "events", "agreements",
                                                 "broadcasts", "gathers", "sums",   "results"};
    wire_count all = {0};
    char text[400] = "";
    for (int tag = WIRE_EVENT; tag < WIRE_TAGS; tag++) {
        const wire_count *c = &r->wire.sent[tag];
        size_t used = strlen(text);
        all.messages += c->messages;
        all.bytes += c->bytes;
        if (c->messages)
            snprintf(text + used, sizeof text - used, "%s %s %llu in %llu", used ? "," : "",
                     names[tag], (unsigned long long)c->bytes, (unsigned long long)c->messages);
    }
    fprintf(stderr, "%s: %s sent %llu bytes in %llu messages:%s\n", cli_tool_name(), r->wire.name,
            (unsigned long long)all.bytes, (unsigned long long)all.messages, text);
}

/* In a job that was stopped messages may be under way that nobody takes; where the transport then
 * does not come to an end, the process does. */
static void close_link(ranks *r)
{
    const ranks_link *link = r->wire.link;
    if (r->wire.stopped) system_end_after(FAREWELL, CLI_FAILURE);
    link->close(link->ctx);
    system_end_after(0, 0);
}

int ranks_end(ranks *r, int status)
{
    if (!r) return status;
    const char *verbose = getenv("NBASE_VERBOSE");
    int rank = r->wire.link->rank;
    if (verbose && *verbose && strcmp(verbose, "0")) report_traffic(r);
    if (r->is_process) cli_set_sink(NULL, NULL);
    wire_free(&r->wire);
    if (r->all) close_link(r);
    for (ranks_line *l = r->lines, *next; l; l = next) {
        next = l->next;
        free(l);
    }
    pthread_mutex_destroy(&r->lock);
    free(r->all);
    free(r);
    return rank ? CLI_OK : status;
}

/* ---- who is who ---- */

int ranks_rank(const ranks *r) { return r ? r->wire.link->rank : 0; }

int ranks_size(const ranks *r) { return r ? r->wire.link->size : 1; }

const char *ranks_describe(const ranks *r) { return r ? r->description : "1 process"; }

const char *ranks_interrupted_by(const ranks *r) { return r ? r->interrupter : ""; }

int ranks_threads(const ranks *r, int asked)
{
    if (!r || asked > 0) return asked;
    const greeting *own = &r->all[r->wire.link->rank];
    int share = own->cores / own->sharers;
    return share > 0 ? share : 1;
}

/* ---- together ---- */

/* How something went on a rank. */
typedef struct outcome {
    bool ok, interrupted;
    int rank; /* whose error, or interruption, it is */
    int interrupted_rank;
    nbase_error err;
} outcome;

static void merge(outcome *sum, const outcome *o)
{
    if (o->interrupted && !sum->interrupted) {
        sum->interrupted = true;
        sum->interrupted_rank = o->rank;
    }
    if (o->ok || !sum->ok) return;
    sum->ok = false;
    sum->rank = o->rank;
    sum->err = o->err;
}

bool ranks_agree(ranks *r, bool ok, nbase_error *err)
{
    if (!r) return ok;
    wire *w = &r->wire;
    nbase_error inner;
    if (w->stopped) return tool_fail(err, w->why.status, "%s", w->why.text);
    int own = w->link->rank;
    outcome o = {.ok = ok, .interrupted = cli_interrupted(), .rank = own}, other;
    if (!ok && err) o.err = *err;
    bool sent = !own || wire_send(w, 0, WIRE_AGREE, &o, sizeof o, &inner);
    for (int from = 1; sent && !own && from < w->link->size; from++) {
        sent = wire_receive(w, from, WIRE_AGREE, &other, sizeof other, &inner);
        if (sent) merge(&o, &other);
    }
    if (!sent || !wire_broadcast(w, 0, &o, sizeof o, &inner))
        return tool_fail(err, inner.status, "%s", inner.text);
    if (o.interrupted) {
        char who[100];
        snprintf(who, sizeof who, "rank %d on %.70s", o.interrupted_rank,
                 r->all[o.interrupted_rank].host);
        ranks_note_interrupt(r, who);
    }
    if (o.ok) return true;
    return o.rank ? tool_fail(err, o.err.status, "rank %d on %s: %.280s", o.rank,
                              r->all[o.rank].host, o.err.text)
                  : tool_fail(err, o.err.status, "%s", o.err.text);
}

bool ranks_share(ranks *r, parcel *p, nbase_error *err)
{
    if (parcel_failed(p)) return tool_no_memory(err);
    if (!r) return true;
    wire *w = &r->wire;
    size_t size = p->size;
    if (!wire_broadcast(w, 0, &size, sizeof size, err)) return false;
    if (w->link->rank) {
        parcel_free(p);
        p->data = malloc(size ? size : 1);
        if (p->data) p->size = p->room = size;
    }
    bool ok = p->data || !size || tool_no_memory(err);
    return ranks_agree(r, ok, err) && wire_broadcast(w, 0, p->data, size, err);
}
