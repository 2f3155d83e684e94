#include "environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

static const struct choice {
    const char *name, *values; /* separated by bars; null: the names of the instruction sets */
} choices[] = {
    {"NBASE_MAX_ISA", NULL},
    {"NBASE_TUNING", "zen4|zen5|intel|other"}, /* the rows of libconvlstm/base/tuning.c */
    {"NBASE_VERBOSE", "0|1"},
    {"SKIN_JPEG", "turbo|stb"},
    {"SKIN_RANKS", "on|off"},
};

static const char *isa_names(char *out, size_t size)
{
    size_t used = 0;
    for (nbase_isa isa = NBASE_ISA_REF; isa <= NBASE_ISA_WASM && used < size; isa++)
        used +=
            (size_t)snprintf(out + used, size - used, "%s%s", used ? "|" : "", nbase_isa_name(isa));
    return out;
}

/* Whether the word is one of the values. */
static bool among(const char *word, const char *values)
{
    size_t length = strlen(word);
    for (const char *v = values; v; v = strchr(v, '|') ? strchr(v, '|') + 1 : NULL)
        if (strcspn(v, "|") == length && !strncmp(v, word, length)) return true;
    return false;
}

bool environment_ok(nbase_error *err)
{
    char names[100];
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        const char *value = getenv(choices[i].name),
                   *values = choices[i].values ? choices[i].values : isa_names(names, sizeof names);
        if (!value || !*value || among(value, values)) continue;
        return tool_fail(err, NBASE_ERR_ARG,
                         "the environment has %s=%s: expected one of %s, or unset it",
                         choices[i].name, value, values);
    }
    return true;
}
