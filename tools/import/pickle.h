/* pickle.h - reads Python pickles as data, without running anything: a whitelist of opcodes
 * (protocols 2 to 4, what weight files use) and, from the caller, of the names that may appear. A
 * call in the pickle is kept as a record of the name and its arguments, and is never made;
 * everything else is refused. The format: CPython's Lib/pickletools.py. */
#ifndef SKIN_PICKLE_H
#define SKIN_PICKLE_H

#include "import.h"

typedef enum pickle_kind {
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INT,
    PICKLE_FLOAT, /* its value is not kept: no weight file needs it */
    PICKLE_BYTES,
    PICKLE_TEXT,
    PICKLE_TUPLE,
    PICKLE_LIST,
    PICKLE_DICT,
    PICKLE_NAME, /* a whitelisted class or function */
    /* name(*args), then __setstate__(state) and items; nothing of this is executed */
    PICKLE_OBJECT,
    PICKLE_PERSISTENT /* items[0] is the id */
} pickle_kind;

typedef struct pickle_value pickle_value;
struct pickle_value {
    pickle_kind kind;
    int64_t integer;      /* INT, BOOL */
    const uint8_t *bytes; /* BYTES, TEXT (UTF-8): within the input, not terminated */
    size_t size;
    /* TUPLE, LIST; DICT and OBJECT: key, value, key, value ... May contain itself: never recurse
     * without a bound */
    const pickle_value **items;
    size_t count, capacity;    /* of items */
    const char *name;          /* NAME, OBJECT: "module name" of the whitelist */
    const pickle_value *args;  /* OBJECT: a tuple */
    const pickle_value *state; /* OBJECT: or null */
    import_view raw;           /* for the after_build hook */
};

typedef struct pickle_options {
    const char *const *names; /* "module name" of each name that may appear; a null ends the list */
    /* Called after the state of an object was set (may be null): reads raw bytes that follow in the
     * stream, as joblib writes them, and advances `rest`. */
    bool (*after_build)(pickle_value *object, import_bytes *rest, nbase_error *err);
    /* Called with each persistent id (may be null). */
    bool (*persistent)(const pickle_value *id, void *ctx, nbase_error *err);
    void *ctx;
} pickle_options;

/* Reads one pickle from `in` and advances it past the pickle. The value lives in the pool and
 * points into the input. */
const pickle_value *pickle_read(import_bytes *in, const pickle_options *options, import_pool *pool,
                                nbase_error *err);

/* All of these accept null and answer as for a missing value. */
bool pickle_is(const pickle_value *v, pickle_kind kind);

/* BYTES or TEXT */
bool pickle_text_is(const pickle_value *v, const char *text);

/* OBJECT of that name */
bool pickle_object_is(const pickle_value *v, const char *name);

/* of TUPLE or LIST */
const pickle_value *pickle_item(const pickle_value *v, size_t i);

/* of DICT or OBJECT, by text */
const pickle_value *pickle_get(const pickle_value *v, const char *key);

/* INT >= 0. */
bool pickle_size(const pickle_value *v, size_t *out);

/* TUPLE of those */
bool pickle_sizes(const pickle_value *v, size_t *out, size_t most, size_t *count);

#endif
