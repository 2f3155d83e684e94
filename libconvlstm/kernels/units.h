/* units.h - internal: a share of a step's work. */
#ifndef CONVLSTM_UNITS_H
#define CONVLSTM_UNITS_H

#include <stddef.h>

/* Units first..last-1 of those into which a step can be divided; none if first == last. */
typedef struct convlstm__units {
    size_t first, last;
} convlstm__units;

#endif
