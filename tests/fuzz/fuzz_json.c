/* The JSON reader: every value that it gives can be reached, and its strings written and read
 * again are the same. */
#include <stdlib.h>
#include <string.h>

#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_value(const nbase__json *v, nbase__text *t)
{
    double number;
    bool truth, object = nbase__json_type_of(v) == NBASE__JSON_OBJECT;
    switch (nbase__json_type_of(v)) {
    case NBASE__JSON_NULL: nbase__text_append(t, "null"); break;
    case NBASE__JSON_BOOL:
        if (!nbase__json_bool(v, &truth)) abort();
        nbase__text_append(t, truth ? "true" : "false");
        break;
    case NBASE__JSON_NUMBER:
        if (!nbase__json_number(v, &number)) abort();
        nbase__text_append_json_number(t, number);
        break;
    case NBASE__JSON_STRING: nbase__text_append_json_string(t, nbase__json_string(v)); break;
    default:
        nbase__text_append(t, object ? "{" : "[");
        for (size_t i = 0; i < nbase__json_count(v); i++) {
            if (i) nbase__text_append(t, ",");
            if (object) {
                nbase__text_append_json_string(t, nbase__json_key(v, i));
                nbase__text_append(t, ":");
            }
            write_value(nbase__json_at(v, i), t);
        }
        nbase__text_append(t, object ? "}" : "]");
    }
}

static void write_text(const char *text, size_t size, nbase__text *out)
{
    nbase__json *v;
    if (nbase__json_parse(NULL, text, size, "fuzz", &v, NULL)) abort();
    write_value(v, out);
    nbase__json_free(v);
    if (out->failed) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nbase__json *v;
    if (nbase__json_parse(NULL, (const char *)data, size, "fuzz", &v, NULL)) return 0;
    nbase__json_free(v);
    nbase_env env = nbase__env(NULL);
    nbase__text once, twice;
    nbase__text_init(&once, &env);
    nbase__text_init(&twice, &env);
    write_text((const char *)data, size, &once);
    write_text(once.data, once.size, &twice);
    if (once.size != twice.size || memcmp(once.data, twice.data, once.size)) abort();
    nbase__text_free(&once);
    nbase__text_free(&twice);
    return 0;
}
