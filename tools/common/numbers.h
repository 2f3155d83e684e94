/* numbers.h - numbers as text, as short as they can be without becoming others. */
#ifndef SKIN_NUMBERS_H
#define SKIN_NUMBERS_H

#include <stddef.h>

enum { NUMBER_TEXT_SIZE = 32 };

/* The shortest decimal text, as JSON writes numbers, that reads back as this finite number.
 * Returns its length. */
size_t number_text(double finite, char out[NUMBER_TEXT_SIZE]);

/* The number whose text is the shortest that reads back as this float: 0.1 for 0.1f, which as a
 * double is 0.10000000149011612. */
double number_of_float(float finite);

#endif
