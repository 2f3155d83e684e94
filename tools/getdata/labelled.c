#include "labelled.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

/* A photo that is not there is left out: the series consists of what can be read. */
static bool drop_lost_images(const labeller *l, user_records *u, labelled *out, nbase_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < u->image_count; i++) {
        char name[1200];
        int n = snprintf(name, sizeof name, "images/%s", u->images[i].text);
        int there = n > 0 && (size_t)n < sizeof name ? store_exists(l->source, name, err) : 0;
        if (there < 0) return false;
        if (there) {
            u->images[kept++] = u->images[i];
        } else if (out->lost++ < LABELLED_LOST) {
            if (!(out->lost_names[out->lost - 1] = strdup(name))) return tool_no_memory(err);
        }
    }
    u->image_count = kept;
    return true;
}

/* Null: out of memory. */
static char *make_line(uint64_t id, const user_records *u, const decision *d)
{
    char name[24], *text = NULL;
    snprintf(name, sizeof name, "%" PRIu64, id);
    const char *note = d->deciding == SIZE_MAX ? "" : u->notes[d->deciding].text;
    json_t *line = json_pack("[sss]", name, d->label ? "1" : "0", note);
    for (size_t i = 0; line && i < u->image_count; i++)
        json_array_append_new(line, json_string(u->images[i].text));
    if (line && json_array_size(line) == u->image_count + 3) text = json_dumps(line, 0);
    json_decref(line);
    char *whole = NULL;
    if (text && asprintf(&whole, "%s\n", text) < 0) whole = NULL;
    free(text);
    return whole;
}

/* Of a user, or of one whose file has an error. Null: out of memory. */
static char *make_review(uint64_t id, const user_records *u, const decision *d, const char *error)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (!f) return NULL;
    if (error)
        review_error(f, id, error);
    else
        review_user(f, id, u, d);
    bool failed = ferror(f) != 0;
    if (!fclose(f) && !failed) return text;
    free(text);
    return NULL;
}

/* What is kept of a decision. */
static bool note_decision(const labeller *l, uint64_t id, const user_records *u, const decision *d,
                          labelled *out, nbase_error *err)
{
    bool kept = d->fate == FATE_KEPT;
    out->fate = d->fate;
    out->label = d->label;
    out->by_hand = d->by_hand;
    out->images = u->image_count;
    if (kept && !(out->line = make_line(id, u, d))) return tool_no_memory(err);
    if (l->o->review && !(out->review = make_review(id, u, d, NULL))) return tool_no_memory(err);
    return true;
}

static bool note_error(const labeller *l, uint64_t id, const nbase_error *why, labelled *out,
                       nbase_error *err)
{
    if (why->status == NBASE_ERR_NOMEM) { /* the next run may succeed */
        *err = *why;
        return false;
    }
    out->fate = FATE_ERROR;
    snprintf(out->error, sizeof out->error, "%s", why->text);
    return !l->o->review || (out->review = make_review(id, NULL, NULL, why->text)) ||
           tool_no_memory(err);
}

static bool label_records(const labeller *l, uint64_t id, user_records *u, labelled *out,
                          nbase_error *err)
{
    nbase_error why;
    if (l->check_images && !drop_lost_images(l, u, out, &why))
        return note_error(l, id, &why, out, err);
    decision d = {.fate = FATE_ERROR, .opinions = calloc(u->note_count + 1, sizeof *d.opinions)};
    bool ok = d.opinions || tool_no_memory(err);
    ok = ok && decide(l->o, l->judges, u, overrides_find(l->overrides, id), &d, err) &&
         note_decision(l, id, u, &d, out, err);
    free(d.opinions);
    return ok;
}

bool label_user(const labeller *l, uint64_t id, const char *file, const char *bytes, size_t size,
                labelled *out, nbase_error *err)
{
    *out = (labelled){0};
    user_records u = {0};
    nbase_error why, inner;
    if (!bytes) {
        why = *err;
        return note_error(l, id, &why, out, err);
    }
    if (!user_records_parse(bytes, size, id, &u, &inner)) {
        tool_fail(&why, inner.status, "%s/%s: %s", store_place(l->source), file, inner.text);
        return note_error(l, id, &why, out, err);
    }
    out->repeated = u.repeated;
    bool ok = label_records(l, id, &u, out, err);
    user_records_free(&u);
    return ok;
}

void labelled_free(labelled *u)
{
    for (int i = 0; i < LABELLED_LOST; i++) free(u->lost_names[i]);
    free(u->line);
    free(u->review);
    *u = (labelled){0};
}

void labelled_pack(const labelled *u, parcel *p)
{
    parcel_put(p, u, sizeof *u); /* its pointers mean nothing to the reader */
    parcel_put_text(p, u->line);
    parcel_put_text(p, u->review);
    for (int i = 0; i < LABELLED_LOST; i++) parcel_put_text(p, u->lost_names[i]);
}

/* False: out of memory. */
static bool copy_text(parcel *p, char **out)
{
    const char *text = parcel_take_text(p);
    *out = text ? strdup(text) : NULL;
    return !text || *out;
}

bool labelled_unpack(parcel *p, labelled *out, nbase_error *err)
{
    parcel_take(p, out, sizeof *out);
    out->line = out->review = NULL;
    memset(out->lost_names, 0, sizeof out->lost_names);
    bool ok = copy_text(p, &out->line) && copy_text(p, &out->review);
    for (int i = 0; ok && i < LABELLED_LOST; i++) ok = copy_text(p, &out->lost_names[i]);
    return (ok && !parcel_failed(p)) || tool_no_memory(err);
}
