/* cli_pages.h - a tool's table of options in other words than --help's: the manual page, and what
 * shells need to complete its command lines. */
#ifndef SKIN_CLI_PAGES_H
#define SKIN_CLI_PAGES_H

#include <stdbool.h>
#include <stdio.h>

#include "cli.h"

/* The kinds of pages, as the option --help-as takes them. */
#define CLI_PAGE_KINDS "man|bash|zsh|fish|summary"

/* Writes one page:
 *   man      section 1, in man(7)
 *   bash     a function for bash's `complete`
 *   zsh      a file for a folder of $fpath
 *   fish     commands `complete`
 *   summary  one line: what the tool does
 * False: there is no such kind, and nothing was written. */
bool cli_page_write(FILE *out, const cli_tool *tool, const char *kind);

/* Options that every tool has beyond those of its table; a null name ends them. */
extern const cli_option cli_common_options[];

#endif
