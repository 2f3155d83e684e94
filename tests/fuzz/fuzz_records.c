/* What skin-getdata reads: a table in any dialect and encoding, a user's records, a time. Of a
 * document that a strict reader accepts the same members are picked in one way only: picking them
 * again changes nothing. */
#include <stdlib.h>
#include <string.h>

#include "data/table.h"
#include "data/when.h"
#include "getdata/followup.h"
#include "getdata/pick.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool each_row(void *ctx, size_t row, const char *const *values)
{
    uint64_t id;
    size_t *length = ctx;
    if (row < 2) abort();
    for (int i = 0; i < 2; i++) *length += values[i] ? strlen(values[i]) : 0;
    if (values[0] && table_whole_number(values[0], &id)) *length += id & 1;
    return true;
}

static void pick_twice(const char *text, size_t size)
{
    static const char *const keys[] = {"a", "userId", NULL};
    nbase_error err;
    size_t once_size, twice_size;
    char *once = pick_members(text, size, keys, &once_size, &err);
    if (!once) return;
    char *twice = pick_members(once, once_size, keys, &twice_size, &err);
    if (!twice || once_size != twice_size || memcmp(once, twice, once_size)) abort();
    free(once);
    free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const columns[] = {"user_id", "label", NULL};
    const char *text = (const char *)data;
    nbase_error err = {0};
    size_t length = 0;
    user_records records;
    int64_t ms;
    if (!table_read(text, size, "fuzz", columns, 1, each_row, &length, &err) && !err.text[0])
        abort();
    if (user_records_parse(text, size, 5, &records, &err)) user_records_free(&records);
    pick_twice(text, size);
    char *line = strndup(text, size);
    if (when_parse_text(line, &ms) && (ms < -62250000000000 || ms > 1e15)) abort();
    free(line);
    return 0;
}
