#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "fileio.h"

enum { MAX_CONFIG = 1 << 20 };

static char *trim(char *text)
{
    while (isspace((unsigned char)*text)) text++;
    size_t n = strlen(text);
    while (n && isspace((unsigned char)text[n - 1])) text[--n] = 0;
    return text;
}

static const cli_option *find(const cli_option *options, const char *key)
{
    for (; options->name; options++)
        if (!strcmp(options->name, key)) return options;
    return NULL;
}

/* The command word of a line, or null with the reason; an empty word for a flag that is false. */
static char *word(const cli_option *options, const char *key, const char *value, const char **why)
{
    const cli_option *o = strcmp(key, "config") ? find(options, key) : NULL;
    *why = !o ? "there is no such option" : !*value ? "a value is missing" : NULL;
    if (o && o->kind == CLI_FLAG && *value) {
        bool on = !strcmp(value, "true");
        if (!on && strcmp(value, "false")) *why = "expected true or false";
        if (!*why && !on) return strdup("");
        value = NULL;
    }
    if (*why) return NULL;
    size_t size = strlen(key) + (value ? strlen(value) : 0) + 4;
    char *text = malloc(size);
    if (text)
        snprintf(text, size, value ? "--%s=%s" : "--%s", key, value);
    else
        *why = "out of memory";
    return text;
}

void config_words_free(char **words, size_t count)
{
    for (size_t i = 0; i < count; i++) free(words[i]);
    free(words);
}

bool config_words(const char *path, const cli_option *options, char ***words, size_t *count,
                  nbase_error *err)
{
    char *text = file_read(path, MAX_CONFIG, NULL, err);
    *count = 0;
    /* a line has at least two characters */
    *words = text ? calloc(strlen(text) / 2 + 1, sizeof **words) : NULL;
    bool ok = *words != NULL;
    if (text && !ok) tool_no_memory(err);
    size_t number = 0;
    for (char *rest = text, *line; ok && (line = strsep(&rest, "\n"));) {
        number++;
        line[strcspn(line, "#")] = 0;
        line = trim(line);
        if (!*line) continue;
        char *value = strchr(line, '=');
        const char *why = "expected key = value";
        if (value) *value++ = 0;
        char *added = value ? word(options, trim(line), trim(value), &why) : NULL;
        if (added && *added)
            (*words)[(*count)++] = added;
        else
            free(added);
        ok = added != NULL;
        if (!ok)
            tool_fail(err, NBASE_ERR_FORMAT, "%s, line %zu: '%.60s': %s", path, number, line, why);
    }
    free(text);
    if (!ok) {
        config_words_free(*words, *count);
        *words = NULL;
        *count = 0;
    }
    return ok;
}

const char *config_path(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
        if (!strcmp(argv[i], "--config")) return i + 1 < argc ? argv[i + 1] : NULL;
        if (!strncmp(argv[i], "--config=", 9)) return argv[i] + 9;
    }
    return NULL;
}
