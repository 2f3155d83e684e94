#include "recipe.h"

#include <stdio.h>
#include <string.h>

#define LEARNS                                                                                     \
    "--optimizer adam --learning-rate 0.003 --schedule cosine --bn-momentum 0.97 --memory 40 "     \
    "--augment flip,reverse --keep last"

/* By number of the preset, as one would type them. docs/training.md says why. */
static const struct {
    const char *preset, *words;
} recipes[] = {
    {"skincredible", LEARNS " --start average --rates positions"},
    {"skincredible-gap", LEARNS},
};

size_t recipe_words(train_options *o, char *words[RECIPE_WORDS])
{
    if (o->npz || o->init || o->network || o->recipe == RECIPE_ORIGINAL) return 0;
    const char *line = recipes[o->preset == NOT_GIVEN ? 0 : o->preset].words;
    snprintf(o->recipe_text, sizeof o->recipe_text, "%s", line);
    size_t count = 0;
    char *rest = o->recipe_text;
    static char best[] = "best";
    for (char *word; count < RECIPE_WORDS && (word = strsep(&rest, " "));) {
        /* a run that ends early has no slow end to settle in: its last weights are none to keep */
        bool last = count && o->early_stop && !strcmp(words[count - 1], "--keep");
        words[count++] = last ? best : word;
    }
    return count;
}

const char *recipe_text(char text[RECIPE_TEXT])
{
    size_t used = 0;
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes && used < RECIPE_TEXT; i++)
        used += (size_t)snprintf(text + used, RECIPE_TEXT - used, "  --preset %s:\n    %s\n",
                                 recipes[i].preset, recipes[i].words);
    return text;
}
