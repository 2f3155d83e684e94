/* fail.h - how the tools report errors: every function that can fail takes a `nbase_error *err`
 * (nbase.h) and returns false, null or a negative number. Nothing is printed on the way; main, or
 * what acts for it, prints the text with cli_report (cli.h).
 *
 * The text is one line that names the file, the value and what to do about it. `err` may be null,
 * and is written on failure only. */
#ifndef SKIN_FAIL_H
#define SKIN_FAIL_H

#include <stdbool.h>

#include "checked.h"
#include "nbase.h"

/* Fills *err. Returns false, so that a function can end with `return tool_fail(...)`. */
bool tool_fail(nbase_error *err, nbase_status status, const char *format, ...) TOOL_PRINTF(3, 4);

/* The same for a failed allocation: "out of memory". */
bool tool_no_memory(nbase_error *err);

/* Appends to the text of an error that a callee filled, such as "; make it with skin-faces".
 * Returns false. */
bool tool_fail_advice(nbase_error *err, const char *format, ...) TOOL_PRINTF(2, 3);

#endif
