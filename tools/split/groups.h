/* groups.h - which ids of a list are one person, and so belong in one part: according to a file, or
 * because they share photos. */
#ifndef SKIN_SPLIT_GROUPS_H
#define SKIN_SPLIT_GROUPS_H

#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"

/* A forest over the ids. */
typedef struct groups {
    const char **ids; /* sorted; borrowed */
    size_t *parent;
    size_t count;
} groups;

/* Starts with every id a person of its own; the ids are borrowed, the array is not. The caller
 * frees it with groups_free. */
bool groups_create(groups *g, const char *const *ids, size_t count, nbase_error *err);

void groups_free(groups *g);

/* The index of an id; SIZE_MAX if it is not among them. */
size_t groups_find(const groups *g, const char *id);

/* The first id, in the order of ids, of the person who has id i. */
size_t groups_person(groups *g, size_t i);

/* Makes the two ids one person. False if they were one already. */
bool groups_join(groups *g, size_t a, size_t b);

/* Reads a file of one line per person: the person's ids, separated by spaces, commas, semicolons or
 * tabs; '#' starts a comment. Ids that are not in the list only tie together those beside them. */
bool groups_read(groups *g, const char *path, nbase_error *err);

#endif
