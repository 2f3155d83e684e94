/* Archives from memory: whatever is taken must be whole, whatever is refused must say why. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nbase.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nbase_archive *a;
    nbase_error err = {NBASE_OK, ""};
    nbase_status status = nbase_archive_parse(NULL, data, size, "fuzz", &a, &err);
    if (status) {
        if (a || err.status != status || !err.text[0]) abort();
        return 0;
    }
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < nbase_archive_count(a); i++) {
        const nbase_array *x = nbase_archive_at(a, i);
        const uint8_t *bytes = x->data;
        size_t count = 1, n;
        for (int k = 0; k < x->ndim; k++) count *= x->shape[k];
        if (count != x->count || nbase_archive_find(a, x->name) != x ||
            strlen(x->name) >= NBASE_MAX_NAME)
            abort();
        n = x->count * nbase_dtype_size(x->dtype);
        if (n) sum ^= (uint8_t)(bytes[0] ^ bytes[n / 2] ^ bytes[n - 1]);
    }
    nbase_archive_free(a);
    return 0;
}
