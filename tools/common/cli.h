/* cli.h - the command line of every tool, and the lines that tools print on stderr.
 *
 * One table per tool feeds the parser (getopt_long), --help, the manual page and the completion of
 * shells (cli_pages.h), so that they cannot differ.
 *
 * Who prints: only main, and what acts for it, calls cli_error and cli_report. Code below it
 * returns errors (fail.h); it may call cli_warn and cli_note for what it skips and goes past. */
#ifndef SKIN_CLI_H
#define SKIN_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "checked.h"
#include "nbase.h"

enum { CLI_OK = 0, CLI_FAILURE = 1, CLI_USAGE = 2 }; /* exit statuses */

typedef enum cli_kind {
    CLI_FLAG,   /* bool *: set to true */
    CLI_ENV,    /* const char[], a name: that environment variable is set to "yes" */
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
    /* It can run as several ranks of one job (ranks/ranks.h); others refuse to. */
    bool ranks;
} cli_tool;

/* Parses the command line; --help, --help-as and --version are added to the table's options.
 * Positional arguments are moved to the end of argv, the first at index *first.
 *
 * Returns -1 if the tool is to run, or the status with which main returns: CLI_OK after --help,
 * --help-as or --version, CLI_USAGE after a message, which also comes where a variable of the
 * environment has a value that means nothing (environment.h). From then on the process ends with
 * CLI_FAILURE and a message when not all of its standard output could be written, as on a full
 * disk. */
int cli_parse(const cli_tool *tool, int argc, char **argv, int *first);

/* Prints "skin-train: " and the text as one line on stderr. Control characters in the text are
 * shown as '?', so that a file name cannot drive the terminal. */
void cli_error(const char *format, ...) TOOL_PRINTF(1, 2);

/* The same with "warning: " before the text. */
void cli_warn(const char *format, ...) TOOL_PRINTF(1, 2);

/* Prints the text of an error with cli_error. Returns false. */
bool cli_report(const nbase_error *err);

/* The same as cli_error for what is no fault; silent after cli_set_quiet(true). */
void cli_note(const char *format, ...) TOOL_PRINTF(1, 2);
void cli_set_quiet(bool quiet);

/* From now on the lines of these functions go to `sink`, with the newline, instead of stderr; null:
 * to stderr. It may be called from any thread. Before, a process that a launcher (launcher.h)
 * started as another rank than 0 prints nothing: all ranks have the same command line. */
void cli_set_sink(void (*sink)(void *ctx, const char *line), void *ctx);

/* Prints a line that a sink got. */
void cli_print_line(const char *line);

/* From now on Ctrl-C, SIGTERM and SIGHUP set a flag; a second one kills. SIGPIPE is ignored. */
void cli_catch_interrupt(void);

/* Whether the flag is set. Long loops ask for it and end cleanly; the tool then returns
 * CLI_FAILURE. */
bool cli_interrupted(void);

/* Sets the flag, as a signal would. */
void cli_interrupt(void);

/* The tool's name: "skin-train"; "skin" before cli_parse. Static storage. */
const char *cli_tool_name(void);

#endif
