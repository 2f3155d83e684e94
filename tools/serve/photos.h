/* photos.h - encoded photos of one request, gathered a piece at a time within limits. */
#ifndef SERVE_PHOTOS_H
#define SERVE_PHOTOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget.h"
#include "problem.h"

#define PHOTO_DATE 40

typedef struct photo {
    uint8_t *bytes;
    size_t size, room;
    char date[PHOTO_DATE]; /* as the client gave it, "" if not */
    int64_t when;          /* milliseconds since 1970 if dated */
    bool dated;
    size_t index; /* place in the request */
} photo;

typedef struct photo_list {
    photo *items;
    size_t count, limit, bytes_limit; /* photos in a request, bytes of one */
    size_t taken;                     /* of the budget */
    budget *budget;
} photo_list;

void photo_list_init(photo_list *l, size_t limit, size_t bytes_limit, budget *b);
void photo_list_free(photo_list *l);
/* A new empty photo at the end, which photo_list_append fills. */
bool photo_list_begin(photo_list *l, problem *p);
bool photo_list_append(photo_list *l, const void *bytes, size_t size, problem *p);
/* Date of photo i: ISO 8601. */
bool photo_list_date(photo_list *l, size_t i, const char *text, size_t size, problem *p);
/* By date if every photo has one, else as sent. */
void photo_list_sort(photo_list *l);
void photo_release(photo_list *l, size_t i); /* gives the bytes of one back early */

#endif
