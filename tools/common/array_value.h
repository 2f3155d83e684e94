/* array_value.h - the numbers of an array, of whatever type, as doubles. */
#ifndef SKIN_ARRAY_VALUE_H
#define SKIN_ARRAY_VALUE_H

#include <stddef.h>

#include "nbase.h"

/* Element i; NaN for a type that is not known. */
double array_value(const nbase_array *a, size_t i);

#endif
