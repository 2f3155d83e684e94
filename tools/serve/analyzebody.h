/* analyzebody.h - the photos of POST /v1/analyze as they come in: multipart/form-data (files,
 * fields "date" and "explain"), or JSON {"photos": [{"data": "<base64>", "date": "2024-05-31"}],
 * "explain": false}. */
#ifndef SERVE_ANALYZEBODY_H
#define SERVE_ANALYZEBODY_H

#include "base64.h"
#include "jsonstream.h"
#include "multipart.h"
#include "photos.h"

typedef struct analyze_body {
    problem *problem;
    photo_list photos;
    bool explain, is_multipart;
    /* JSON */
    json_stream json;
    base64 decoder;
    int depth;   /* open brackets that matter: 1 root, 2 photos, 3 a photo */
    int skipped; /* open brackets inside a value that is passed over */
    int key;     /* see analyzebody.c */
    bool seen_photos, seen_data;
    /* multipart */
    multipart parts;
    int field;
    size_t dates;  /* fields "date" so far: the n-th dates the n-th photo */
    char text[64]; /* value of a small field, or a date */
    size_t text_size;
    char date_texts[100][PHOTO_DATE];
} analyze_body;

bool analyze_body_init(analyze_body *b, const char *content_type, size_t max_photos,
                       size_t max_photo_bytes, budget *memory, problem *p);
bool analyze_body_feed(analyze_body *b, const char *bytes, size_t size);
bool analyze_body_end(analyze_body *b);
void analyze_body_free(analyze_body *b);

#endif
