#include "convlstm_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

char *help_replace(char *text, const char *from, const char *to)
{
    size_t hits = 0;
    for (const char *p = text; (p = strstr(p, from)); p += strlen(from)) hits++;
    char *result = malloc(strlen(text) + hits * strlen(to) + 1), *write = result;
    for (const char *read = text, *hit;; read = hit + strlen(from)) {
        hit = strstr(read, from);
        write += sprintf(write, "%.*s%s", (int)(hit ? (size_t)(hit - read) : strlen(read)), read,
                         hit ? to : "");
        if (!hit) break;
    }
    free(text);
    return result;
}

char *help_preset(const char *preset, size_t height, size_t width, const char *const *changes)
{
    char *json;
    assert_int_equal(convlstm_preset_json(preset, height, width, &json, NULL), NBASE_OK);
    char *text = strdup(json);
    convlstm_text_free(json);
    text = help_replace(text, "\"filters\":20", "\"filters\":3");
    text = help_replace(text, "\"filters\":10", "\"filters\":2");
    text = help_replace(text, "\"units\":32", "\"units\":5");
    for (; changes && *changes; changes += 2) text = help_replace(text, changes[0], changes[1]);
    return text;
}

convlstm_model *help_model(const nbase_env *env, const char *json, uint64_t seed)
{
    convlstm_model *m = NULL;
    nbase_error err = {NBASE_OK, ""};
    if (convlstm_model_create(env, json, seed, &m, &err)) fail_msg("%s", err.text);
    for (size_t i = 0; i < convlstm_model_tensor_count(m); i++) {
        const nbase_array *a = convlstm_model_tensor(m, i);
        if (a->ndim != 1) continue;
        float *values = help_uniform(a->count, 1000 + i);
        for (size_t k = 0; k < a->count; k++)
            values[k] = 0.3f * values[k] + ((const float *)a->data)[k];
        assert_int_equal(convlstm_model_set(m, a->name, values, a->count), NBASE_OK);
        free(values);
    }
    return m;
}

convlstm_model *help_small(const nbase_env *env, const char *preset, size_t height, size_t width)
{
    char *json = help_preset(preset, height, width, NULL);
    convlstm_model *m = help_model(env, json, 7);
    free(json);
    return m;
}

float *help_uniform(size_t count, uint64_t seed)
{
    nbase_rng rng;
    nbase_rng_seed(&rng, seed, 0);
    float *values = malloc((count ? count : 1) * sizeof *values);
    for (size_t i = 0; i < count; i++) values[i] = 0.001f + 0.998f * (float)nbase_rng_uniform(&rng);
    return values;
}

int help_same_weights(const convlstm_model *a, const convlstm_model *b)
{
    if (convlstm_model_tensor_count(a) != convlstm_model_tensor_count(b)) return 0;
    for (size_t i = 0; i < convlstm_model_tensor_count(a); i++) {
        const nbase_array *x = convlstm_model_tensor(a, i), *y = convlstm_model_tensor(b, i);
        if (x->count != y->count || memcmp(x->data, y->data, x->count * sizeof(float))) return 0;
    }
    return 1;
}

/* ---- memory ---- */

static void *counted_alloc(void *ctx, size_t bytes, size_t align)
{
    help_memory *m = ctx;
    m->calls++;
    if (m->fail_at && (m->calls == m->fail_at || (m->forever && m->calls > m->fail_at)))
        return NULL;
    void *p = aligned_alloc(align, (bytes + align - 1) / align * align);
    if (!p) return NULL;
    memset(p, 0xff, bytes);
    m->live++;
    return p;
}

static void counted_release(void *ctx, void *p)
{
    help_memory *m = ctx;
    m->live--;
    free(p);
}

nbase_env help_env(help_memory *memory)
{
    *memory = (help_memory){0};
    return (nbase_env){.allocator = {counted_alloc, counted_release, memory}};
}
