/* jsonstream.h - a strict JSON reader (RFC 8259) that is fed in pieces and reports what it meets.
 * It builds no tree, so a body of any size needs no more memory than its consumer. UTF-8 is
 * checked; depth, numbers and keys are bounded. */
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
    ON_STRING_PART, /* text, size: a piece of a text value; more pieces may follow */
    ON_STRING_END,
    ON_NUMBER, /* number; whole: written without fraction and exponent */
    ON_TRUE,
    ON_FALSE,
    ON_NULL
} json_event;

/* 1 if the event opens an object or array, -1 if it closes one, otherwise 0. */
static inline int json_nesting(json_event event)
{
    bool opens = event == ON_OBJECT_BEGIN || event == ON_ARRAY_BEGIN;
    bool closes = event == ON_OBJECT_END || event == ON_ARRAY_END;
    return opens - closes;
}

typedef struct json_value {
    const char *text; /* not terminated, valid during the call */
    size_t size;
    double number;
    bool whole;
} json_value;

/* Returns false to stop the reader; the consumer itself remembers why. */
typedef bool (*json_consumer)(void *ctx, json_event event, const json_value *value);

#define JSON_STREAM_DEPTH 64
#define JSON_STREAM_KEY 64   /* bytes of a key */
#define JSON_STREAM_TOKEN 64 /* characters of a number */

typedef struct json_stream {
    json_consumer consumer;
    void *ctx;
    int state;                        /* jsonstream.c */
    uint8_t stack[JSON_STREAM_DEPTH]; /* what is open: 'o' an object, 'a' an array */
    int depth;
    char token[JSON_STREAM_KEY > JSON_STREAM_TOKEN ? JSON_STREAM_KEY : JSON_STREAM_TOKEN];
    size_t token_size;
    bool in_key, whole;
    uint32_t code, high; /* of a \u escape; the first half of a surrogate pair */
    int digits;          /* of the escape, or characters of the literal, so far */
    int utf8_left;       /* bytes of a character that are still to come */
    uint32_t utf8_code, utf8_least;
    const char *literal; /* "true", "false" or "null" */
    size_t position;     /* bytes read */
    const char *error;   /* static text; null while nothing is wrong */
    bool stopped;        /* by the consumer */
} json_stream;

void json_stream_init(json_stream *s, json_consumer consumer, void *ctx);

/* A piece of the text. False once something is wrong (s->error) or the consumer has stopped. */
bool json_stream_feed(json_stream *s, const char *bytes, size_t size);

/* The text has ended. False with s->error if it is not whole. */
bool json_stream_end(json_stream *s);

#endif
