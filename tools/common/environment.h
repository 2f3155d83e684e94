/* environment.h - the variables of the environment that change what a tool computes or prints, and
 * take one of a few words. */
#ifndef SKIN_ENVIRONMENT_H
#define SKIN_ENVIRONMENT_H

#include <stdbool.h>

#include "nbase.h"

/* False if one of them has another value than those that it knows: it would be ignored, and what
 * was measured or compared by it would be something else. An empty one counts as not set. */
bool environment_ok(nbase_error *err);

#endif
