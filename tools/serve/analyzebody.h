/* analyzebody.h - reads the body of POST /v1/analyze as it arrives: multipart/form-data with files
 * and the fields "date" and "explain", or JSON
 * {"photos": [{"data": "<base64>", "date": "2024-05-31"}], "explain": false}.
 *
 * Of a form, an input for files that was left empty gives no photo. The n-th date belongs to the
 * n-th photo, or, where there are as many dates as inputs, to the n-th input. */
#ifndef SERVE_ANALYZEBODY_H
#define SERVE_ANALYZEBODY_H

#include "dataurl.h"
#include "jsonstream.h"
#include "multipart.h"
#include "photos.h"
#include "serve_limits.h"

typedef struct analyze_body {
    /* results */
    photo_list photos;
    bool explain;
    /* while reading */
    problem *problem;
    bool is_multipart;
    /* JSON */
    json_stream json;
    data_url decoder;
    int depth;   /* open brackets that matter: 1 root, 2 photos, 3 a photo */
    int skipped; /* open brackets inside a value that is skipped */
    int key;     /* of the value that is being read: analyzebody.c */
    bool seen_photos, seen_data;
    /* multipart */
    multipart parts;
    int field;      /* of the part that is being read: analyzebody.c */
    bool has_photo; /* that part is in `photos` */
    size_t inputs;  /* for files so far, those that were left empty included */
    bool empty[SERVE_MAX_INPUTS];
    size_t dates; /* fields "date" so far */
    char date_texts[SERVE_MAX_INPUTS][PHOTO_DATE];
    /* both */
    char text[128]; /* the small value that is being read */
    size_t text_size;
    char not_date[JSON_STREAM_KEY + 1]; /* the first name that is not read and looks like a date's;
                                           empty if there is none */
} analyze_body;

/* Begins. content_type is that of the request, or null; memory and problem must outlive the body.
 * False with a problem: the type is none of the two. */
bool analyze_body_init(analyze_body *b, const char *content_type, size_t max_photos,
                       size_t max_photo_bytes, budget *memory, problem *p);

/* The rest as in predictbody.h; the result is `photos`, in the order to judge them. */
bool analyze_body_feed(analyze_body *b, const char *bytes, size_t size);
bool analyze_body_end(analyze_body *b);
void analyze_body_free(analyze_body *b);

#endif
