/* config.h - options from a file: "key = value" lines named as the long options, # starts a
 * comment, flags take true or false. */
#ifndef SKIN_CONFIG_H
#define SKIN_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "cli.h"

/* Turns the file's lines into command words "--key=value" (malloc'ed, each and the list). An
 * unknown key or a malformed line is an error that names the line. */
bool config_words(const char *path, const cli_option *options, char ***words, size_t *count,
                  nbase_error *err);
void config_words_free(char **words, size_t count);

/* The file of --config FILE or --config=FILE among the words, or null. */
const char *config_path(int argc, char **argv);

#endif
