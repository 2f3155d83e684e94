#include "photos.h"

#include <stdlib.h>
#include <string.h>

#include "data/when.h"
#include "shown.h"

/* Bytes for which a photo gets room at first. */
enum { FIRST_ROOM = 1 << 16 };

void photo_list_init(photo_list *l, size_t limit, size_t bytes_limit, budget *b)
{
    *l = (photo_list){.limit = limit, .bytes_limit = bytes_limit, .budget = b};
}

void photo_release(photo_list *l, size_t i)
{
    photo *f = &l->items[i];
    free(f->bytes);
    budget_return(l->budget, f->room);
    f->bytes = NULL;
    f->size = f->room = 0;
}

void photo_list_free(photo_list *l)
{
    for (size_t i = 0; i < l->count; i++) photo_release(l, i);
    free(l->items);
    l->items = NULL;
    l->count = 0;
}

bool photo_list_begin(photo_list *l, problem *p)
{
    if (l->count == l->limit)
        return problem_set(p, 413, "TOO_LARGE",
                           "there are more than %zu photos, the limit of this server", l->limit);
    if ((l->count & (l->count - 1)) == 0) { /* the room is used up at powers of two */
        photo *grown = realloc(l->items, (l->count ? 2 * l->count : 1) * sizeof *grown);
        if (!grown) return problem_memory(p);
        l->items = grown;
    }
    l->items[l->count] = (photo){.index = l->count};
    l->count++;
    return true;
}

/* Makes room for `size` more bytes. */
static bool grow(photo_list *l, photo *f, size_t size, problem *p)
{
    if (f->size + size <= f->room) return true;
    size_t room = f->room ? 2 * f->room : FIRST_ROOM;
    while (room < f->size + size) room *= 2;
    if (!budget_take(l->budget, room - f->room)) return problem_full(p);
    uint8_t *grown = realloc(f->bytes, room);
    if (!grown) {
        budget_return(l->budget, room - f->room);
        return problem_memory(p);
    }
    f->bytes = grown;
    f->room = room;
    return true;
}

bool photo_list_append(photo_list *l, const void *bytes, size_t size, problem *p)
{
    photo *f = &l->items[l->count - 1];
    if (size == 0) return true; /* the base64 so far makes no whole byte */
    if (size > l->bytes_limit - f->size)
        return problem_set(p, 413, "TOO_LARGE",
                           "photo %zu is larger than %zu bytes, the limit of this server", f->index,
                           l->bytes_limit);
    if (!grow(l, f, size, p)) return false;
    memcpy(f->bytes + f->size, bytes, size);
    f->size += size;
    return true;
}

bool photo_date_refuse(problem *p, const char *text, size_t size)
{
    char safe[SHOWN_SIZE];
    return problem_set(p, 400, "BAD_DATE", "'%s' is not a date; " WHEN_EXPECTED,
                       shown(text, size, safe));
}

bool photo_list_date(photo_list *l, size_t i, const char *text, size_t size, problem *p)
{
    photo *f = &l->items[i];
    if (size == 0) return true;
    bool fits = size < PHOTO_DATE && !memchr(text, 0, size);
    if (fits) memcpy(f->date, text, size), f->date[size] = '\0';
    f->dated = fits && when_parse_text(f->date, &f->when);
    if (!f->dated) return photo_date_refuse(p, text, size);
    return when_plausible(f->when) ||
           problem_set(p, 400, "BAD_DATE", "'%s' " WHEN_IMPLAUSIBLE "; leave it out", f->date);
}

static int by_date(const void *a, const void *b)
{
    const photo *x = a, *y = b;
    if (x->when != y->when) return x->when < y->when ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

bool photo_list_sort(photo_list *l, problem *p)
{
    const photo *last = NULL, *undated = NULL;
    bool in_order = true;
    for (const photo *f = l->items; f < l->items + l->count; f++) {
        if (!f->dated) {
            if (!undated) undated = f;
            continue;
        }
        in_order &= !last || last->when <= f->when;
        last = f;
    }
    if (undated)
        return in_order || problem_set(p, 400, "BAD_REQUEST",
                                       "photo %zu has no date, and those of the others are not in "
                                       "the order of the photos; give every photo a date, or none",
                                       undated->index);
    if (l->count) qsort(l->items, l->count, sizeof *l->items, by_date);
    return true;
}
