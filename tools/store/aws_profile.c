#ifdef HAVE_CURL
#include "aws_profile.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *aws_variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

bool aws_variable_on(const char *name)
{
    const char *value = aws_variable(name);
    return value &&
           (!strcasecmp(value, "true") || !strcasecmp(value, "yes") || !strcmp(value, "1"));
}

const char *aws_profile_name(void)
{
    const char *name = aws_variable("AWS_PROFILE");
    if (!name) name = aws_variable("AWS_DEFAULT_PROFILE");
    return name ? name : "default";
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text)) text++;
    char *end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1])) *--end = 0;
    return text;
}

/* What is looked for in a file, and where the reader is. */
typedef struct ini_reader {
    const char *section, *parent, *key; /* parent: null for a key that is not indented */
    bool inside, below;                 /* in the section; below the parent */
    char *found;
} ini_reader;

/* "[profile  clinic]" with any blanks: the name within the brackets. */
static bool same_section(char *line, const char *section)
{
    char *from = trim(line + 1);
    for (; *section; section++) {
        if (isspace((unsigned char)*section)) {
            if (!isspace((unsigned char)*from)) return false;
            while (isspace((unsigned char)*from)) from++;
        } else if (*from++ != *section) {
            return false;
        }
    }
    return !*from;
}

static void read_line(ini_reader *r, char *line)
{
    bool indented = isspace((unsigned char)*line);
    char *text = trim(line), *close = strchr(text, ']'), *equals = strchr(text, '=');
    if (!*text || *text == '#' || *text == ';') return;
    if (*text == '[' && close && !indented) {
        *close = 0;
        r->inside = same_section(text, r->section);
        r->below = false;
        return;
    }
    if (!r->inside || !equals) return;
    *equals = 0;
    char *key = trim(text), *value = trim(equals + 1);
    if (!indented || !r->parent) {
        r->below = r->parent && !strcmp(key, r->parent) && !*value;
        if (r->parent) return;
    }
    if ((!r->parent || r->below) && !strcmp(key, r->key)) r->found = strdup(value);
}

/* Looks in the file that the variable names, or in ~/.aws/NAME. */
static char *look_up(const char *file_variable, const char *file_name, ini_reader r)
{
    char path[4096], line[8192];
    const char *named = aws_variable(file_variable), *home = aws_variable("HOME");
    if (named)
        snprintf(path, sizeof path, "%s", named);
    else
        snprintf(path, sizeof path, "%s/.aws/%s", home ? home : "", file_name);
    FILE *f = fopen(path, "r");
    if (!f) return NULL;
    while (!r.found && fgets(line, sizeof line, f)) read_line(&r, line);
    explicit_bzero(line, sizeof line);
    fclose(f);
    return r.found;
}

static char *config_value(const char *kind, const char *name, const char *parent, const char *key)
{
    char section[256];
    snprintf(section, sizeof section, "%s%s", kind, name);
    return look_up("AWS_CONFIG_FILE", "config",
                   (ini_reader){.section = section, .parent = parent, .key = key});
}

char *aws_profile_value(const char *profile, const char *key)
{
    char *value = look_up("AWS_SHARED_CREDENTIALS_FILE", "credentials",
                          (ini_reader){.section = profile, .key = key});
    if (!value && !strcmp(profile, "default")) value = config_value("", profile, NULL, key);
    return value ? value : config_value("profile ", profile, NULL, key);
}

char *aws_profile_service_value(const char *profile, const char *service, const char *key)
{
    char *services = aws_profile_value(profile, "services"),
         *value = services ? config_value("services ", services, service, key) : NULL;
    free(services);
    return value;
}
#endif
