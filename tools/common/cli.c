#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_pages.h"
#include "environment.h"
#include "launcher.h"
#include "ranout.h"
#include "system.h"

enum { MAX_OPTIONS = 96, HELP_CODE = 1000, PAGE_CODE, VERSION_CODE, FIRST_CODE = 2000 };

static const char *tool_name = "skin";
static bool quiet;
/* A rank of a job other than 0, before the ranks have met: rank 0 says the same. */
static bool muted;
static void (*line_sink)(void *ctx, const char *line);
static void *line_ctx;

/* ---- messages ---- */

static void message(const char *kind, const char *format, va_list args)
{
    char text[2000], line[2100];
    vsnprintf(text, sizeof text, format, args);
    for (unsigned char *p = (unsigned char *)text; *p; p++)
        if (*p < 32 || *p == 127) *p = '?';
    snprintf(line, sizeof line, "%s: %s%s\n", tool_name, kind, text);
    if (line_sink)
        line_sink(line_ctx, line);
    else if (!muted)
        fputs(line, stderr);
}

void cli_set_sink(void (*sink)(void *ctx, const char *line), void *ctx)
{
    line_sink = sink;
    line_ctx = ctx;
}

void cli_print_line(const char *line) { fputs(line, stderr); }

void cli_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    message("", format, args);
    va_end(args);
}

bool cli_report(const nbase_error *err)
{
    cli_error("%s", err->text);
    return false;
}

void cli_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    message("warning: ", format, args);
    va_end(args);
}

void cli_note(const char *format, ...)
{
    if (quiet) return;
    va_list args;
    va_start(args, format);
    message("", format, args);
    va_end(args);
}

void cli_set_quiet(bool on) { quiet = on; }

const char *cli_tool_name(void) { return tool_name; }

/* Runs at exit, whatever the status is: output that was lost must not pass for success. */
static void close_output(void)
{
    bool failed = ferror(stdout);
    errno = 0;
    if (fclose(stdout) != 0 || failed) {
        cli_error("standard output: cannot write: %s", errno ? strerror(errno) : "write error");
        _exit(CLI_FAILURE);
    }
    if (!ranout_ever()) return;
    cli_error("out of memory: what was printed may lack something");
    _exit(CLI_FAILURE);
}

/* ---- help ---- */

enum { HELP_WIDTH = 100, HELP_COLUMN = 32 };

/* Prints text whose first character goes to `column`, with line breaks at spaces so that no line
 * is wider than HELP_WIDTH; further lines begin at `indent`. */
static void print_wrapped(const char *text, size_t length, size_t column, size_t indent)
{
    while (column + length > HELP_WIDTH) {
        size_t n = HELP_WIDTH - column;
        while (n && text[n] != ' ') n--;
        if (!n) break;
        printf("%.*s\n%*s", (int)n, text, (int)indent, "");
        text += n + 1;
        length -= n + 1;
        column = indent;
    }
    printf("%.*s\n", (int)length, text);
}

/* Prints lines of prose, each wrapped by itself. */
static void print_prose(const char *text)
{
    for (; *text; text += *text == '\n') {
        size_t length = strcspn(text, "\n");
        print_wrapped(text, length, 0, strspn(text, " "));
        text += length;
    }
}

static void print_option(const cli_option *o)
{
    char left[80];
    int n = o->letter ? snprintf(left, sizeof left, "  -%c, --%s", o->letter, o->name)
                      : snprintf(left, sizeof left, "      --%s", o->name);
    if (o->arg && n > 0 && (size_t)n < sizeof left)
        snprintf(left + n, sizeof left - (size_t)n, " %s", o->arg);
    if (strlen(left) > HELP_COLUMN - 2)
        printf("%s\n%*s", left, HELP_COLUMN, "");
    else
        printf("%-*s", HELP_COLUMN, left);
    print_wrapped(o->help, strlen(o->help), HELP_COLUMN, HELP_COLUMN);
}

static void print_help(const cli_tool *tool)
{
    printf("Usage: %s %s\n", tool->name, tool->usage);
    print_prose(tool->about);
    putchar('\n');
    for (const cli_option *o = tool->options; o->name; o++) print_option(o);
    for (const cli_option *o = cli_common_options; o->name; o++) print_option(o);
    printf("\nExit status: 0 ok, 1 failure, 2 wrong usage.\n");
    if (!tool->notes) return;
    putchar('\n');
    print_prose(tool->notes);
}

/* ---- values ---- */

static bool whole_number(const char *text, uint64_t *out)
{
    if (*text < '0' || *text > '9') return false;
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return !errno && !*end;
}

static bool limits_ok(const cli_option *o, double v)
{
    return (o->min == 0 && o->max == 0) || (v >= o->min && v <= o->max);
}

static bool store_choice(const cli_option *o, const char *text)
{
    size_t length = strlen(text);
    int index = 0;
    for (const char *p = o->arg;; index++) {
        size_t n = strcspn(p, "|");
        if (n == length && !strncmp(p, text, n)) {
            *(int *)o->target = index;
            return true;
        }
        if (!p[n]) return false;
        p += n + 1;
    }
}

static bool store_double(const cli_option *o, const char *text)
{
    char *end;
    errno = 0;
    double v = strtod(text, &end);
    if (end == text || *end || !isfinite(v) || !limits_ok(o, v)) return false;
    *(double *)o->target = v;
    return true;
}

static bool store_whole(const cli_option *o, const char *text)
{
    uint64_t v;
    bool negative = o->kind == CLI_INT && *text == '-';
    if (!whole_number(text + negative, &v)) return false;
    if (!limits_ok(o, negative ? -(double)v : (double)v)) return false;
    if (o->kind == CLI_INT) {
        if (v > 0x7fffffff) return false;
        *(int *)o->target = negative ? -(int)v : (int)v;
    } else if (o->kind == CLI_SIZE) {
        *(size_t *)o->target = (size_t)v;
    } else {
        *(uint64_t *)o->target = v;
    }
    return true;
}

/* Files, folders and addresses have a name: without one, a script mostly has not set a variable. */
static bool may_be_empty(const cli_option *o)
{
    return !strcmp(o->arg, "TEXT") || !strcmp(o->arg, "LIST");
}

static bool store(const cli_option *o, const char *text)
{
    switch (o->kind) {
    case CLI_FLAG: *(bool *)o->target = true; return true;
    case CLI_ENV: return system_set(o->target, "yes");
    case CLI_TEXT: *(const char **)o->target = text; return *text || may_be_empty(o);
    case CLI_CHOICE: return store_choice(o, text);
    case CLI_DOUBLE: return store_double(o, text);
    case CLI_INT:
    case CLI_SIZE:
    case CLI_U64: return store_whole(o, text);
    }
    return false;
}

static void advise(const cli_tool *tool)
{
    if (!muted) fprintf(stderr, "Try '%s --help'.\n", tool->name);
}

static void refuse(const cli_tool *tool, const cli_option *o, const char *text)
{
    if (o->kind == CLI_CHOICE)
        cli_error("--%s '%s': expected one of %s", o->name, text, o->arg);
    else if (o->kind == CLI_TEXT)
        cli_error("--%s '': expected %s (is a variable of the script not set?)", o->name, o->arg);
    else if (o->min != 0 || o->max != 0)
        cli_error("--%s '%s': expected a%s number from %g to %g", o->name, text,
                  o->kind == CLI_DOUBLE ? "" : " whole", o->min, o->max);
    else
        cli_error("--%s '%s': expected a%s number", o->name, text,
                  o->kind == CLI_DOUBLE ? "" : " whole");
    advise(tool);
}

/* ---- parsing ---- */

static bool takes_argument(const cli_option *o)
{
    return o->kind != CLI_FLAG && o->kind != CLI_ENV;
}

static size_t build_tables(const cli_tool *tool, struct option *longs, char *shorts)
{
    size_t n = 0, s = 0;
    for (const cli_option *o = tool->options; o->name && n < MAX_OPTIONS; o++, n++) {
        longs[n] = (struct option){o->name, takes_argument(o) ? required_argument : no_argument,
                                   NULL, FIRST_CODE + (int)n};
        if (!o->letter) continue;
        shorts[s++] = o->letter;
        if (takes_argument(o)) shorts[s++] = ':';
    }
    shorts[s++] = 'h';
    shorts[s] = 0;
    longs[n] = (struct option){"help", no_argument, NULL, HELP_CODE};
    longs[n + 1] = (struct option){"help-as", required_argument, NULL, PAGE_CODE};
    longs[n + 2] = (struct option){"version", no_argument, NULL, VERSION_CODE};
    longs[n + 3] = (struct option){0};
    return n;
}

static const cli_option *find_option(const cli_tool *tool, int code, size_t count)
{
    if (code >= FIRST_CODE) return &tool->options[code - FIRST_CODE];
    for (size_t i = 0; i < count; i++)
        if (tool->options[i].letter == code) return &tool->options[i];
    return NULL;
}

static int refuse_ranks(const launcher *by)
{
    char size[32] = "several";
    if (by->size) snprintf(size, sizeof size, "%d", by->size);
    cli_error("runs as one process, and %s started %s: start it without %s (with SKIN_RANKS=off "
              "each of them does the whole job)",
              by->name, size, by->name);
    return CLI_USAGE;
}

static int parse(const cli_tool *tool, int argc, char **argv, int *first)
{
    struct option longs[MAX_OPTIONS + 4];
    char shorts[2 * MAX_OPTIONS + 4];
    size_t count = build_tables(tool, longs, shorts);
    char program[64];
    snprintf(program, sizeof program, "%s", tool->name);
    if (argc > 0) argv[0] = program; /* getopt names the program by argv[0] */
    tool_name = tool->name;
    static bool checked; /* a tool may parse more than one command line */
    if (!checked && atexit(close_output))
        cli_warn("out of memory: standard output is not checked at the end");
    if (!checked) ranout_watch_json();
    checked = true;
    optind = 0;
    for (int code; (code = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        if (code == HELP_CODE || code == 'h') {
            if (!muted) print_help(tool);
            return CLI_OK;
        }
        if (code == PAGE_CODE) {
            if (muted || cli_page_write(stdout, tool, optarg)) return CLI_OK;
            cli_error("--help-as '%s': expected one of " CLI_PAGE_KINDS, optarg);
            advise(tool);
            return CLI_USAGE;
        }
        if (code == VERSION_CODE) {
            if (!muted) printf("%s %s\n", tool->name, nbase_version());
            return CLI_OK;
        }
        const cli_option *o = code == '?' ? NULL : find_option(tool, code, count);
        if (!o) {
            advise(tool);
            return CLI_USAGE;
        }
        if (!store(o, optarg)) {
            refuse(tool, o, optarg);
            return CLI_USAGE;
        }
    }
    *first = optind;
    int given = argc - optind;
    if (given < tool->min_args || (tool->max_args >= 0 && given > tool->max_args)) {
        cli_error(given < tool->min_args ? "an argument is missing" : "too many arguments: '%s'",
                  argv[argc - 1]);
        if (!muted) fprintf(stderr, "Usage: %s %s\n", tool->name, tool->usage);
        advise(tool);
        return CLI_USAGE;
    }
    for (int i = optind; i < argc; i++)
        if (!*argv[i]) {
            cli_error("argument %d is empty (is a variable of the script not set?)",
                      i - optind + 1);
            advise(tool);
            return CLI_USAGE;
        }
    argv[0] = (char *)tool->name;
    return -1;
}

int cli_parse(const cli_tool *tool, int argc, char **argv, int *first)
{
    launcher by = {0};
    system_outlive_limits();
    bool launched = launcher_find(&by);
    muted = launched && by.rank > 0;
    if (muted) opterr = 0; /* getopt's own messages */
    int status = parse(tool, argc, argv, first);
    nbase_error err;
    if (status < 0 && !environment_ok(&err)) {
        cli_report(&err);
        status = CLI_USAGE;
    }
    if (status < 0 && launched && !tool->ranks) status = refuse_ranks(&by);
    /* A launcher ends the other ranks as soon as one fails, and rank 0 has something to say. */
    return muted && status > 0 ? CLI_OK : status;
}

/* ---- interruption ---- */

/* Set by a signal, or by another rank's; asked for by any thread. */
static atomic_bool interrupted;

void cli_catch_interrupt(void) { system_catch_interrupt(cli_interrupt); }

bool cli_interrupted(void) { return interrupted; }

void cli_interrupt(void) { interrupted = true; }
