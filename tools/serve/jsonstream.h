/* jsonstream.h - a strict JSON reader (RFC 8259) that is fed a piece at a time and tells what it
 * meets: no tree is built, so a body of any size costs no more memory than the consumer takes.
 * UTF-8 is checked; depth, numbers and keys are bounded. */
#ifndef SERVE_JSONSTREAM_H
#define SERVE_JSONSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum json_event {
    ON_OBJECT_BEGIN,
    ON_OBJECT_END,
    ON_ARRAY_BEGIN,
    ON_ARRAY_END,
    ON_KEY,         /* text, size: the whole key */
    ON_STRING_PART, /* text, size: a piece of a text value; pieces follow each other */
    ON_STRING_END,
    ON_NUMBER, /* number; whole: written without fraction and exponent */
    ON_TRUE,
    ON_FALSE,
    ON_NULL
} json_event;

typedef struct json_value {
    const char *text; /* not terminated, valid during the call */
    size_t size;
    double number;
    bool whole;
} json_value;

/* False stops the reading; the consumer keeps its own reason. */
typedef bool (*json_consumer)(void *ctx, json_event event, const json_value *value);

#define JSON_STREAM_DEPTH 64
#define JSON_STREAM_KEY 64   /* bytes of a key */
#define JSON_STREAM_TOKEN 64 /* characters of a number */

typedef struct json_stream {
    json_consumer consumer;
    void *ctx;
    int state;
    uint8_t stack[JSON_STREAM_DEPTH]; /* 'o' or 'a' */
    int depth;
    char token[JSON_STREAM_KEY > JSON_STREAM_TOKEN ? JSON_STREAM_KEY : JSON_STREAM_TOKEN];
    size_t token_size;
    bool in_key, whole;
    uint32_t code, high; /* of a \u escape; the first half of a surrogate pair */
    int digits, utf8_left;
    uint32_t utf8_code, utf8_least;
    const char *literal;
    size_t position;   /* bytes eaten */
    const char *error; /* null while all is well; static text */
    bool stopped;      /* by the consumer */
} json_stream;

void json_stream_init(json_stream *s, json_consumer consumer, void *ctx);
/* False once something is wrong (s->error, or s->stopped). */
bool json_stream_feed(json_stream *s, const char *bytes, size_t size);
/* To be called behind the last byte: false with s->error if the text is not whole. */
bool json_stream_end(json_stream *s);

#endif
