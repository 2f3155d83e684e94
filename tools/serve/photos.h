/* photos.h - collects the encoded photos of one request, which arrive in pieces, within limits. */
#ifndef SERVE_PHOTOS_H
#define SERVE_PHOTOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget.h"
#include "problem.h"

#define PHOTO_DATE 40 /* bytes of a date as text, its zero byte included */

typedef struct photo {
    uint8_t *bytes; /* of the file */
    size_t size, room;
    size_t index;          /* place in the request */
    char date[PHOTO_DATE]; /* as the client gave it, or "" */
    bool dated;
    int64_t when; /* milliseconds since 1970, if dated */
} photo;

typedef struct photo_list {
    photo *items;
    size_t count;
    size_t limit;       /* most photos */
    size_t bytes_limit; /* most bytes of one photo */
    budget *budget;
} photo_list;

/* Empty. The budget must outlive the list. */
void photo_list_init(photo_list *l, size_t limit, size_t bytes_limit, budget *b);

/* Safe on zeros, and more than once. */
void photo_list_free(photo_list *l);

/* Adds an empty photo at the end. False with a problem: too many, or out of memory. */
bool photo_list_begin(photo_list *l, problem *p);

/* Appends bytes to the last photo. False with a problem: too large, or out of memory. */
bool photo_list_append(photo_list *l, const void *bytes, size_t size, problem *p);

/* Sets the date of photo i from a text (data/when.h); empty text sets none. False with a problem.
 */
bool photo_list_date(photo_list *l, size_t i, const char *text, size_t size, problem *p);

/* Sets the problem BAD_DATE, with the text. Returns false. */
bool photo_date_refuse(problem *p, const char *text, size_t size);

/* Sorts by date if every photo has one; otherwise keeps the order of the request. False with a
 * problem: some photos have dates that contradict that order, and where the others belong is not
 * known. */
bool photo_list_sort(photo_list *l, problem *p);

/* Frees the bytes of photo i early. */
void photo_release(photo_list *l, size_t i);

#endif
