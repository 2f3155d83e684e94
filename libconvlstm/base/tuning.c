/* tuning.c - the table of processors, and the row that this process uses. */
#include "tuning.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "os.h"

/* The first row that fits is taken. The last one fits all: it asks nothing of a processor that
 * nobody has measured. */
static const struct row {
    const char *vendor; /* null: any */
    unsigned family;    /* 0: any */
    nbase__tuning tuning;
} rows[] = {
    /* The units of Zen 4 are 256 bits wide. Zen 3 has the same number, and no vectors of 512 bits.
     * docs/kernels.md has the figures. */
    {"AuthenticAMD", 0x19, {.name = "zen4", .columns = true, .bf16_dots = true}},
    /* Twice as wide, with loads as before: one for each multiply-add, where columns need more. Not
     * measured. */
    {"AuthenticAMD", 0, {.name = "zen5", .columns = false, .bf16_dots = true}},
    /* Two units for multiply-adds and one for dot products. Columns wait for loads. */
    {"GenuineIntel", 0, {.name = "intel", .columns = false, .bf16_dots = false}},
    {NULL, 0, {.name = "other", .columns = false, .bf16_dots = false}},
};

enum { ROWS = sizeof rows / sizeof *rows };

/* The processor's maker, of twelve letters, and its family; 0 if it has none. */
static unsigned look_up(char vendor[13])
{
    vendor[0] = 0;
#if defined(__x86_64__)
    unsigned a, b, c, d;
    if (!__get_cpuid(0, &a, &b, &c, &d)) return 0;
    memcpy(vendor, &b, 4);
    memcpy(vendor + 4, &d, 4);
    memcpy(vendor + 8, &c, 4);
    vendor[12] = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    const unsigned family = a >> 8 & 15;
    return family == 15 ? family + (a >> 20 & 255) : family;
#else
    return 0;
#endif
}

static const nbase__tuning *of_processor(void)
{
    char vendor[13];
    const unsigned family = look_up(vendor);
    size_t i = 0;
    while ((rows[i].vendor && strcmp(rows[i].vendor, vendor)) ||
           (rows[i].family && rows[i].family != family))
        i++;
    return &rows[i].tuning;
}

static const nbase__tuning *active;
static nbase__once active_once = NBASE__ONCE_INIT;

static void choose(void)
{
    const char *name = nbase__os_setting("NBASE_TUNING");
    active = NULL;
    for (size_t i = 0; name && i < ROWS; i++)
        if (!strcmp(name, rows[i].tuning.name)) active = &rows[i].tuning;
    if (!active) active = of_processor();
}

const nbase__tuning *nbase__tuning_active(void)
{
    nbase__run_once(&active_once, choose);
    return active;
}
