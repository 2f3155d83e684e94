/* Matches the variables of a file with the tensors of a network. Layers are matched by the
 * variables they have, then in the model's order, because names are free in Keras. In .weights.h5
 * the name is the class and its count, and only this gives the order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../import/import.h"
#include "convlstm.h"
#include "keras_network.h"

/* The variables of one layer in a file. */
typedef struct holder {
    const char *name;
    size_t name_length, first; /* in the archive */
    size_t count;
    bool used;
    const keras_layer *named; /* the layer of the network that has this one's name */
} holder;

typedef struct matcher {
    const keras_network *network;
    const keras_file *file;
    convlstm_model *model; /* of that network: the names and shapes to be found */
    holder *holders;
    size_t count;
    nbase_archive *out;
    nbase_error *err;
} matcher;

static const nbase_array *variable(const matcher *m, const holder *h, size_t i)
{
    return nbase_archive_at(m->file->weights, h->first + i);
}

static const char *part_of(const nbase_array *a)
{
    size_t length;
    return keras_part(a->name, &length);
}

/* ---- the file's layers ---- */

static bool find_holders(matcher *m)
{
    size_t arrays = nbase_archive_count(m->file->weights);
    m->holders = calloc(arrays + 1, sizeof *m->holders);
    if (!m->holders) return tool_no_memory(m->err);
    for (size_t i = 0; i < arrays; i++) {
        const char *name = nbase_archive_at(m->file->weights, i)->name;
        size_t length;
        keras_part(name, &length);
        holder *last = m->count ? &m->holders[m->count - 1] : NULL;
        if (!last || last->name_length != length || memcmp(last->name, name, length)) {
            last = &m->holders[m->count++];
            *last = (holder){.name = name, .name_length = length, .first = i};
        }
        last->count++;
    }
    return true;
}

/* The number at a name's end, as in dense_1, and the length of what comes before it. */
static long number_of(const holder *h, size_t *stem)
{
    size_t i = h->name_length;
    long n = 0, unit = 1;
    while (i && h->name[i - 1] >= '0' && h->name[i - 1] <= '9' && unit < 1000000000) {
        n += unit * (h->name[--i] - '0');
        unit *= 10;
    }
    bool counted = i && i < h->name_length && h->name[i - 1] == '_';
    *stem = counted ? i - 1 : h->name_length;
    return counted ? n : 0;
}

static int by_number(const void *a, const void *b)
{
    size_t stem[2];
    long x = number_of(a, &stem[0]), y = number_of(b, &stem[1]);
    return x < y ? -1 : x > y;
}

/* ---- one layer ---- */

/* The variable that is part p of a layer; null if it is not there. Where parts are numbers, absent
 * parts are not counted. */
static const nbase_array *part_in(const matcher *m, const holder *h, const keras_layer *l, int p)
{
    char number[24];
    int before = 0;
    for (int k = 0; k < p; k++) before += !l->absent[k];
    snprintf(number, sizeof number, "%d", before);
    const keras_part_row *part = &l->kind->parts[p];
    const char *wanted = m->file->naming == KERAS_COUNTED ? number : part->name;
    for (size_t i = 0; i < h->count; i++) {
        const char *name = part_of(variable(m, h, i));
        if (!strcmp(name, wanted) || (part->also && !strcmp(name, part->also)))
            return variable(m, h, i);
    }
    return NULL;
}

static const nbase_array *wanted_tensor(const matcher *m, const keras_layer *l, int p)
{
    char name[NBASE_MAX_NAME];
    snprintf(name, sizeof name, "%.100s/%s", l->name, l->kind->parts[p].name);
    return convlstm_model_find(m->model, name);
}

/* Whether the file may lack a part (of a layer with scale=False): this is known, or parts have
 * names and none has this one. */
static bool lacks(const matcher *m, const holder *h, const keras_layer *l, int p)
{
    return l->absent[p] ||
           (l->kind->parts[p].filled && m->file->naming != KERAS_COUNTED && !part_in(m, h, l, p));
}

/* The number of variables that a holder must have for a layer. */
static size_t wanted_count(const matcher *m, const holder *h, const keras_layer *l)
{
    size_t count = 0;
    for (int p = 0; l->kind->parts[p].name; p++)
        count += wanted_tensor(m, l, p) && !lacks(m, h, l, p);
    return count;
}

static bool has_weights(const matcher *m, const keras_layer *l)
{
    for (int p = 0; l->kind->parts[p].name; p++)
        if (wanted_tensor(m, l, p)) return true;
    return false;
}

/* The axes of length 1 before the others, which do not matter to some kinds. */
static int leading_ones(const keras_layer *l, const nbase_array *a)
{
    int ones = 0;
    bool any = l->kind->leading_ones || l->row_class[0];
    while (any && ones + 1 < a->ndim && a->shape[ones] == 1) ones++;
    return ones;
}

static int axes_that_matter(const keras_layer *l, const nbase_array *a)
{
    return a->ndim - leading_ones(l, a);
}

static bool same_shape(const keras_layer *l, const nbase_array *a, const nbase_array *b)
{
    int axes = axes_that_matter(l, a);
    return axes == axes_that_matter(l, b) &&
           !memcmp(a->shape + a->ndim - axes, b->shape + b->ndim - axes,
                   (size_t)axes * sizeof *a->shape);
}

/* Whether a holder has exactly the variables of such a layer, each with as many axes. */
static bool fits(const matcher *m, const holder *h, const keras_layer *l)
{
    if (h->count != wanted_count(m, h, l)) return false;
    for (int p = 0; l->kind->parts[p].name; p++) {
        const nbase_array *wanted = wanted_tensor(m, l, p),
                          *got = wanted && !lacks(m, h, l, p) ? part_in(m, h, l, p) : wanted;
        if (wanted && (!got || axes_that_matter(l, got) != axes_that_matter(l, wanted)))
            return false;
    }
    return true;
}

/* The number of a holder among those of a layer's class in .weights.h5: 0 for "dense", 2 for
 * "dense_2"; -1 if it is of another class. Keras before 2.8 wrote conv_lst_m2d. */
static long number_in_class(const holder *h, const keras_layer *l)
{
    const char *class_name = keras_counted_class(l);
    const char *const names[] = {class_name,
                                 strcmp(class_name, "conv_lstm2d") ? class_name : "conv_lst_m2d"};
    const char *wrap = l->timed ? "layer" : l->kind->inner;
    const char *direction = l->direction ? l->direction : "";
    size_t outer = strlen(l->container);
    if (h->name_length < outer || memcmp(h->name, l->container, outer)) return -1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[120], rest[60] = "", wanted[60];
        long number = 0;
        size_t n = strlen(names[i]);
        snprintf(name, sizeof name, "%.*s", (int)(h->name_length - outer), h->name + outer);
        snprintf(wanted, sizeof wanted, "%s%s%s%s", *direction ? "/" : "", direction,
                 *wrap ? "/" : "", wrap);
        if (h->name_length - outer >= sizeof name || strncmp(name, names[i], n)) continue;
        if (!strcmp(name + n, wanted)) return 0;
        if (sscanf(name + n, "_%9ld%59s", &number, rest) >= 1 && !strcmp(rest, wanted))
            return number;
    }
    return -1;
}

/* ---- files that do not say the order of their layers ---- */

/* The name without what wraps the variables ("cell", "layer"). */
static size_t own_length(const holder *h)
{
    static const char *const wraps[] = {"/cell", "/layer"};
    for (size_t i = 0; i < sizeof wraps / sizeof *wraps; i++) {
        size_t n = strlen(wraps[i]);
        if (h->name_length > n && !memcmp(h->name + h->name_length - n, wraps[i], n))
            return h->name_length - n;
    }
    return h->name_length;
}

/* Whether a layer's name is one that it gets when the description gives none. */
static bool has_default_name(const keras_layer *l)
{
    size_t n = strlen(l->kind->type);
    const char *rest = l->name + n;
    if (strncmp(l->name, l->kind->type, n)) return false;
    return !*rest || (*rest == '_' && strspn(rest + 1, "0123456789") == strlen(rest + 1));
}

/* Whether the description gives the layer the holder's name, or its end: "b" or "net.b" for
 * "net/b". */
static bool same_name(const holder *h, const keras_layer *l)
{
    size_t n = strlen(l->name), length = own_length(h);
    if (n > length || has_default_name(l)) return false;
    const char *end = h->name + length - n;
    for (size_t i = 0; i < n; i++)
        if (end[i] != l->name[i] && !(end[i] == '/' && l->name[i] == '.')) return false;
    return n == length || end[-1] == '/';
}

/* Whether a holder has exactly the tensors of a layer, with their shapes. */
static bool could_be(const matcher *m, const holder *h, const keras_layer *l)
{
    if (h->count != wanted_count(m, h, l)) return false;
    for (int p = 0; l->kind->parts[p].name; p++) {
        const nbase_array *wanted = wanted_tensor(m, l, p),
                          *got = wanted && !lacks(m, h, l, p) ? part_in(m, h, l, p) : wanted;
        if (wanted &&
            (!got || got->ndim != wanted->ndim ||
             memcmp(got->shape, wanted->shape, (size_t)wanted->ndim * sizeof *wanted->shape)))
            return false;
    }
    return true;
}

static void name_holders(matcher *m)
{
    for (size_t i = 0; i < m->network->count; i++)
        for (size_t k = 0; k < m->count; k++)
            if (!m->holders[k].named && same_name(&m->holders[k], &m->network->layers[i]))
                m->holders[k].named = &m->network->layers[i];
}

static bool refuse_order(matcher *m, const keras_layer *l, const holder *a, const holder *b)
{
    bool likely = m->file->order == KERAS_ORDER_LIKELY;
    return tool_fail(
        m->err, NBASE_ERR_FORMAT,
        "layer \"%.80s\": the file's \"%.*s\" and \"%.*s\" have the same shapes, and their order "
        "is "
        "not known: %s",
        l->name, (int)own_length(a), a->name, (int)own_length(b), b->name,
        likely ? "--in-order takes the file's, which is right unless the model is subclassed; a "
                 "whole .keras file says it"
               : "a subclassed model's file does not say how its layers are called; give the "
                 "layers of --network the names of its attributes");
}

/* The one holder that can be the layer; an error if there are several. */
static bool find_by_shape(matcher *m, const keras_layer *l, holder **out)
{
    holder *found = NULL;
    for (size_t i = 0; i < m->count; i++) {
        holder *h = &m->holders[i];
        if (h->used || (h->named && h->named != l) || !could_be(m, h, l)) continue;
        if (h->named == l) {
            *out = h;
            return true;
        }
        if (found) return refuse_order(m, l, found, h);
        found = h;
    }
    *out = found;
    return true;
}

/* Where the layer's name in the model's configuration ends in the holder's, which is "conv" or, of
 * what it wraps, "conv/inner"; of a layer of a model inside the model "model/conv", perhaps with
 * other models in between. 0: it is not there. */
static size_t own_name_end(const holder *h, const keras_layer *l)
{
    const char *name = l->own_name, *slash;
    size_t outer = l->container[0] ? strcspn(name, "/") + 1 : 0, n = strlen(name) - outer;
    if (h->name_length < outer || memcmp(h->name, name, outer)) return 0;
    for (size_t at = outer, left; (left = h->name_length - at) >= n;) {
        if (!memcmp(h->name + at, name + outer, n) && (left == n || h->name[at + n] == '/'))
            return at + n;
        if (!outer || !(slash = memchr(h->name + at, '/', left))) break;
        at = (size_t)(slash - h->name) + 1;
    }
    return 0;
}

/* Layers of several models in one may have the same name: an error if another holder could be the
 * layer as well. */
static bool check_unique(const matcher *m, const holder *h, const keras_layer *l)
{
    size_t end = own_name_end(h, l);
    for (const holder *o = h + 1; l->container[0] && end && o < m->holders + m->count; o++) {
        size_t other = own_name_end(o, l), rest = h->name_length - end;
        if (o->used || !other || o->name_length - other != rest ||
            memcmp(o->name + other, h->name + end, rest))
            continue;
        return tool_fail(m->err, NBASE_ERR_FORMAT,
                         "layer \"%.80s\": the file's \"%.*s\" and \"%.*s\" both have its name; a "
                         ".keras file tells them apart",
                         l->name, (int)h->name_length, h->name, (int)o->name_length, o->name);
    }
    return true;
}

/* The first holder that is left for a layer. Where names are counted, layers without variables have
 * numbers too, and a description may not have all of them (TimeDistributed around Dropout): the
 * lowest number that is left. */
static holder *find_holder(const matcher *m, const keras_layer *l)
{
    bool own = m->file->naming == KERAS_IN_ORDER && m->file->config && l->own_name[0];
    holder *found = NULL;
    long lowest = 0;
    for (size_t i = 0; i < m->count; i++) {
        holder *h = &m->holders[i];
        if (h->used) continue;
        if (m->file->naming != KERAS_COUNTED) {
            if (own ? own_name_end(h, l) > 0 : fits(m, h, l)) return h;
            continue;
        }
        long number = number_in_class(h, l);
        if (number < 0 || (found && number >= lowest)) continue;
        found = h;
        lowest = number;
    }
    return found;
}

static void shape_text(const nbase_array *a, char *out, size_t room)
{
    size_t used = (size_t)snprintf(out, room, "(");
    for (int k = 0; k < a->ndim && used < room; k++)
        used += (size_t)snprintf(out + used, room - used, "%s%zu", k ? "," : "", a->shape[k]);
    if (used < room) snprintf(out + used, room - used, ")");
}

static bool take_part(matcher *m, const holder *h, const keras_layer *l, int p)
{
    const nbase_array *wanted = wanted_tensor(m, l, p), *got;
    nbase_array *made;
    if (!wanted) return true;
    got = l->absent[p] ? NULL : part_in(m, h, l, p);
    if (!got && !lacks(m, h, l, p))
        return tool_fail(m->err, NBASE_ERR_FORMAT, "layer \"%.80s\": the file's \"%.*s\" has no %s",
                         l->name, (int)h->name_length, h->name, l->kind->parts[p].name);
    if (got && !same_shape(l, got, wanted)) {
        char shapes[2][200];
        shape_text(wanted, shapes[0], sizeof shapes[0]);
        shape_text(got, shapes[1], sizeof shapes[1]);
        return tool_fail(
            m->err, NBASE_ERR_FORMAT,
            "layer \"%.80s\": %s: the network wants the shape %s, the file's \"%.100s\" has %s",
            l->name, l->kind->parts[p].name, shapes[0], got->name, shapes[1]);
    }
    if (nbase_archive_add(m->out, wanted->name, NBASE_F32, wanted->ndim, wanted->shape,
                          got ? got->data : NULL, &made))
        return tool_no_memory(m->err);
    for (size_t i = 0; !got && i < made->count; i++)
        ((float *)made->data)[i] = l->kind->parts[p].fill;
    return true;
}

static bool take_layer(matcher *m, const keras_layer *l)
{
    if (!has_weights(m, l)) return true;
    holder *h = NULL;
    if (m->file->order == KERAS_ORDER_KNOWN)
        h = find_holder(m, l);
    else if (!find_by_shape(m, l, &h))
        return false;
    if (!h && m->file->order != KERAS_ORDER_KNOWN) h = find_holder(m, l); /* says what is wrong */
    if (!h && m->file->naming == KERAS_COUNTED)
        return tool_fail(m->err, NBASE_ERR_FORMAT, "layer \"%.80s\": the file has no \"%s\"",
                         l->name, l->counted);
    if (!h)
        return tool_fail(m->err, NBASE_ERR_FORMAT,
                         "layer \"%.80s\": the file has no (further) layer with the weights of %s",
                         l->name, l->kind->class_name);
    if (m->file->naming == KERAS_IN_ORDER && !check_unique(m, h, l)) return false;
    size_t wanted = wanted_count(m, h, l);
    if (h->count != wanted)
        return tool_fail(m->err, NBASE_ERR_FORMAT,
                         "layer \"%.80s\": %s has %zu weights, the file's \"%.*s\" %zu%s", l->name,
                         l->kind->class_name, wanted, (int)h->name_length, h->name, h->count,
                         l->kind->parts[0].filled
                             ? " ; scale or center may be off: the whole model says which"
                             : "");
    for (int p = 0; l->kind->parts[p].name; p++)
        if (!take_part(m, h, l, p)) return false;
    h->used = true;
    return true;
}

/* ---- all ---- */

/* Whether two layers have the same variables, each with as many axes. */
static bool look_alike(const matcher *m, const holder *a, const holder *b)
{
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(part_of(variable(m, a, i)), part_of(variable(m, b, i))) ||
            variable(m, a, i)->ndim != variable(m, b, i)->ndim)
            return false;
    return true;
}

/* Where only names give the order, layers that look alike must have the same name with numbers. */
static bool check_order(matcher *m)
{
    for (size_t i = 1; i < m->count; i++)
        for (size_t k = 0; k < i; k++) {
            const holder *a = &m->holders[k], *b = &m->holders[i];
            size_t stem[2];
            number_of(a, &stem[0]);
            number_of(b, &stem[1]);
            if (look_alike(m, a, b) && (stem[0] != stem[1] || memcmp(a->name, b->name, stem[0])))
                return tool_fail(
                    m->err, NBASE_ERR_FORMAT,
                    "the order of the layers \"%.*s\" and \"%.*s\" can't be seen from their names",
                    (int)a->name_length, a->name, (int)b->name_length, b->name);
        }
    return true;
}

/* The layer behind `last` in Keras's order; the first for null; null at the end. */
static const keras_layer *next_layer(const matcher *m, const keras_layer *last)
{
    const keras_layer *found = NULL;
    for (size_t i = 0; i < m->network->count; i++) {
        const keras_layer *l = &m->network->layers[i];
        bool behind = !last || l->place > last->place || (l->place == last->place && l > last);
        if (behind && (!found || l->place < found->place)) found = l;
    }
    return found;
}

static bool match_all(matcher *m)
{
    if (!find_holders(m)) return false;
    if (m->file->naming == KERAS_BY_NAME) {
        qsort(m->holders, m->count, sizeof *m->holders, by_number);
        if (!check_order(m)) return false;
    }
    if (m->file->order != KERAS_ORDER_KNOWN) name_holders(m);
    for (const keras_layer *l = next_layer(m, NULL); l; l = next_layer(m, l))
        if (!take_layer(m, l)) return false;
    for (size_t i = 0; i < m->count; i++)
        if (!m->holders[i].used)
            return tool_fail(m->err, NBASE_ERR_FORMAT,
                             "the file's layer \"%.*s\" is none of the network's",
                             (int)m->holders[i].name_length, m->holders[i].name);
    return true;
}

bool keras_match(const keras_network *n, const keras_file *file, nbase_archive **tensors,
                 nbase_error *err)
{
    matcher m = {.network = n, .file = file, .err = err};
    char *json = json_dumps(n->description, JSON_COMPACT);
    *tensors = NULL;
    bool ok = json ? convlstm_model_create(NULL, json, 0, &m.model, err) == NBASE_OK
                   : tool_no_memory(err);
    if (ok && nbase_archive_create(NULL, &m.out)) ok = tool_no_memory(err);
    ok = ok && match_all(&m);
    if (ok)
        *tensors = m.out;
    else
        nbase_archive_free(m.out);
    convlstm_model_free(m.model);
    free(m.holders);
    free(json);
    return ok;
}
