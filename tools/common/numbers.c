#include "numbers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Outside of these powers of ten an exponent is shorter than zeros. */
enum { LEAST_FIXED = -4, MOST_FIXED = 15 };

size_t number_text(double finite, char out[NUMBER_TEXT_SIZE])
{
    int digits = 1;
    do {
        snprintf(out, NUMBER_TEXT_SIZE, "%.*e", digits - 1, finite);
    } while (strtod(out, NULL) != finite && ++digits <= 17);
    char *exponent = strchr(out, 'e') + 1;
    int power = atoi(exponent), decimals = digits - 1 - power;
    if (power >= LEAST_FIXED && power <= MOST_FIXED)
        return (size_t)snprintf(out, NUMBER_TEXT_SIZE, "%.*f", decimals > 0 ? decimals : 0, finite);
    return (size_t)(exponent - out) + (size_t)sprintf(exponent, "%d", power); /* e22, not e+22 */
}

double number_of_float(float finite)
{
    char text[NUMBER_TEXT_SIZE];
    int digits = 1;
    do {
        snprintf(text, sizeof text, "%.*e", digits - 1, (double)finite);
    } while (strtof(text, NULL) != finite && ++digits <= 9);
    return strtod(text, NULL);
}
