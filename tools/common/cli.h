/* cli.h - the command line as every tool has it: one table a tool gives both the parser
 * (getopt_long) and --help, so that they can't differ. */
#ifndef SKIN_CLI_H
#define SKIN_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nbase.h"

enum { CLI_OK = 0, CLI_FAILURE = 1, CLI_USAGE = 2 }; /* exit statuses */

typedef enum cli_kind {
    CLI_FLAG,   /* bool *: set to true */
    CLI_TEXT,   /* const char **: points into argv */
    CLI_INT,    /* int *, within min..max */
    CLI_SIZE,   /* size_t *, within min..max */
    CLI_U64,    /* uint64_t * */
    CLI_DOUBLE, /* double *, within min..max */
    CLI_CHOICE  /* int *: index of the text in `choices`, "a|b|c" */
} cli_kind;

typedef struct cli_option {
    const char *name; /* long name without dashes; null ends the table */
    char letter;      /* short name, or 0 */
    cli_kind kind;
    void *target;
    /* shown in help: "N", "FILE"; null for flags. For CLI_CHOICE the choices themselves:
     * "bce|softmax" */
    const char *arg;
    const char *help; /* one line; say the default */
    double min, max;  /* both 0: no limits but those of the type */
} cli_option;

typedef struct cli_tool {
    const char *name;  /* "skin-train" */
    const char *usage; /* what follows the name: "--data DATA --faces FACES -o RUN" */
    const char *about; /* a few lines, each ending in a newline, after the usage */
    const cli_option *options;
    const char *notes;      /* after the options, or null: examples, exit statuses */
    int min_args, max_args; /* positional arguments; max_args < 0: any number */
} cli_tool;

/* Parses. Adds --help and --version itself. Positional arguments are moved to the end of argv, the
 * first at index *first. Returns -1 to go on, or the exit status with which to return from main (0
 * after --help or --version; CLI_USAGE with a message). */
int cli_parse(const cli_tool *tool, int argc, char **argv, int *first);

/* "skin-train: " + one line to stderr. Control characters in the text are shown as '?', so that a
 * file name can't drive the terminal. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints the text of an error with cli_error. Returns false. */
bool cli_report(const nbase_error *err);

/* A note on stderr without "warning"; silent after cli_set_quiet(true). */
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cli_set_quiet(bool quiet);

/* Ctrl-C and SIGTERM set a flag instead of killing; a second Ctrl-C kills. Long loops ask
 * cli_interrupted() and leave cleanly with CLI_FAILURE. */
void cli_catch_interrupt(void);
bool cli_interrupted(void);

#endif
