/* recipe.h - what skin-train does where no option says otherwise. */
#ifndef SKIN_TRAIN_RECIPE_H
#define SKIN_TRAIN_RECIPE_H

#include "options.h"

#define RECIPE_WORDS 32 /* the most that a recipe has */

/* The recipe for a run with these options, as words of a command line: words[i] are texts in
 * o->recipe_text. Returns how many. None for arrays, --init, --network and --recipe original: these
 * train as Keras does by default. */
size_t recipe_words(train_options *o, char *words[RECIPE_WORDS]);

/* A paragraph on the recipes for --help, into `text`, which is returned. */
#define RECIPE_TEXT 1024
const char *recipe_text(char text[RECIPE_TEXT]);

#endif
