/* The kernel checks as a program of their own, without a test framework or BLAS: what check-neon.sh
 * and check-wasm.sh run. */
#include <stdio.h>

#include "kernel_check.h"

int main(void)
{
    printf("instruction set: %s\n", nbase_isa_name(nbase_isa_active()));
    int failures = kernel_check_all(nbase_isa_active(), 20240607, 20011);
    printf("%s\n", failures ? "FAILED" : "all kernels pass");
    return failures != 0;
}
