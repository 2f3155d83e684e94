#include "decode_fenced.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "decode_child.h"
#include "fail.h"
#include "job.h"

/* Milliseconds between two questions to the job whether to continue. */
enum { ASK_EVERY = 20 };

/* Memory is given to decoders in such steps, so that photos of about one size share one. */
#define STEP ((size_t)16 << 20)

/* By how much decoders run below the threads that answer, as the workers do. */
enum { NICENESS = 5 };

/* ---- the process ---- */

/* Sets the problem of a request whose decoder cannot be started. */
static bool no_decoder(job *j, const nbase_error *why)
{
    if (why->status == NBASE_ERR_IO)
        return problem_set(&j->problem, 500, "INTERNAL", "%s", why->text);
    return problem_set(&j->problem, 503, "OUT_OF_MEMORY", "%s", why->text);
}

/* Makes sure that there is a process with so much memory. */
static bool ready_process(photo_decoder *d, size_t needs, job *j)
{
    const decode_settings *s = d->settings;
    nbase_error why = {0};
    if (d->process.child && d->process.size >= needs) return true;
    spawner_end(s->spawner, &d->process);
    size_t room = (needs + STEP - 1) / STEP * STEP;
    /* The process's own allocations come in whole pages, with some room around them. */
    const fence_limits limits = {
        .memory = room + STEP, .seconds = s->seconds, .niceness = NICENESS};
    return spawner_spawn(s->spawner, &limits, room, &d->process, &why) || no_decoder(j, &why);
}

/* The process has ended, or must: the next photo gets another one. */
static decode_result lose_process(photo_decoder *d, decode_result result, nbase_error *err)
{
    char how[120];
    int status = spawner_end(d->settings->spawner, &d->process);
    atomic_fetch_add(d->settings->restarts, 1);
    if (result != DECODE_UNSUPPORTED) return result;
    fence_describe_end(status, how, sizeof how);
    tool_fail(err, NBASE_ERR_FORMAT, "it cannot be decoded: its decoder %s", how);
    return result;
}

/* ---- question and answer ---- */

static bool send_question(photo_decoder *d, const uint8_t *bytes, size_t size, const container *c)
{
    const decode_question q = {.size = size, .shape = *c, .options = d->options};
    fenced_get(&d->process, decode_pixels_at(size) + c->width * c->height * 3);
    memcpy(d->process.memory, bytes, size);
    return send(d->process.channel, &q, sizeof q, MSG_NOSIGNAL) == sizeof q;
}

/* DECODE_UNSUPPORTED: the process ended, or answered what is no answer. */
static decode_result wait_for_answer(const fenced *f, job *j, decode_answer *a)
{
    struct pollfd p = {.fd = f->channel, .events = POLLIN};
    while (poll(&p, 1, ASK_EVERY) <= 0)
        if (!job_continue(j)) return DECODE_STOPPED;
    return recv(f->channel, a, sizeof *a, MSG_DONTWAIT) == sizeof *a ? DECODE_OK
                                                                     : DECODE_UNSUPPORTED;
}

/* Whether the answer fits the header, so that its pixels lie within the shared memory. */
static bool plausible(const decode_answer *a, const container *c)
{
    bool as_stored = a->width == c->width && a->height == c->height;
    bool turned = a->width == c->height && a->height == c->width;
    return (as_stored || turned) && a->orientation >= 1 && a->orientation <= 8;
}

static void make_printable(char *text)
{
    for (char *at = text; *at; at++)
        if (*at < ' ' || *at > '~') *at = '?';
}

/* The process could still change the pixels, which is no more than it could do before: nothing but
 * colours is read from them. The memory cannot shrink (spawner.c seals it). */
static void take_pixels(const fenced *f, size_t size, const decode_answer *a, picture *out)
{
    *out = (picture){.pixels = f->memory + decode_pixels_at(size),
                     .borrowed = true,
                     .width = a->width,
                     .height = a->height,
                     .orientation = a->orientation,
                     .divisor = 1,
                     .full_width = a->width,
                     .full_height = a->height};
    snprintf(out->note, sizeof out->note, "%.*s", (int)sizeof a->note - 1, a->note);
    make_printable(out->note);
}

/* The text comes from a process that may have been taken over, and goes into JSON. */
static void take_error(const decode_answer *a, nbase_error *err)
{
    tool_fail(err, NBASE_ERR_FORMAT, "%.*s", (int)sizeof a->error - 1, a->error);
    make_printable(err->text);
}

decode_result decode_fenced(photo_decoder *d, const uint8_t *bytes, size_t size, const container *c,
                            size_t needs, job *j, decoded_photo *out)
{
    decode_answer a;
    if (!ready_process(d, needs, j)) return DECODE_STOPPED;
    decode_result result =
        send_question(d, bytes, size, c) ? wait_for_answer(&d->process, j, &a) : DECODE_UNSUPPORTED;
    if (result == DECODE_OK && a.ok && !plausible(&a, c)) result = DECODE_UNSUPPORTED;
    if (result != DECODE_OK) return lose_process(d, result, &out->error);
    if (!a.ok) {
        take_error(&a, &out->error);
        return DECODE_UNSUPPORTED;
    }
    take_pixels(&d->process, size, &a, &out->picture);
    return DECODE_OK;
}
