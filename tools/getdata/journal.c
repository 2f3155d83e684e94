#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"

/* Parses the numbers of a line. False if the line is not whole. */
static bool parse_line(const char *line, uint64_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *end;
        if (*line < '0' || *line > '9') return false;
        values[i] = strtoull(line, &end, 10);
        if (*end != (i + 1 < count ? ' ' : '\n')) return false;
        line = end + 1;
    }
    return true;
}

/* Reads up to the last whole line. Returns the length of the part that is good; 0 if the key is
 * another one or the file is empty. */
static long read_lines(FILE *f, const char *key, uint64_t *values, size_t count)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t n = getline(&line, &room, f);
    long good = 0;
    uint64_t *next = malloc(count * sizeof *next);
    if (next && n > 0 && line[n - 1] == '\n' && (size_t)n == strlen(key) + 1 &&
        !strncmp(line, key, (size_t)n - 1)) {
        good = n;
        while ((n = getline(&line, &room, f)) > 0 && parse_line(line, next, count)) {
            memcpy(values, next, count * sizeof *values);
            good += n;
        }
    }
    free(next);
    free(line);
    return good;
}

static bool cannot_write(const journal *j, nbase_error *err)
{
    return tool_fail(err, NBASE_ERR_IO, "%s: cannot write: %s", j->path, strerror(errno));
}

bool journal_open(journal *j, const char *out, const char *key, uint64_t *values, size_t count,
                  nbase_error *err)
{
    *j = (journal){0};
    memset(values, 0, count * sizeof *values);
    if (asprintf(&j->path, "%s.journal", out) < 0) {
        j->path = NULL;
        return tool_no_memory(err);
    }
    /* neither a link nor a pipe of that name is ours */
    int fd = open(j->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    struct stat s;
    bool ok = fd >= 0 && fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && (j->f = fdopen(fd, "r+"));
    if (!ok) {
        cannot_write(j, err);
        if (fd >= 0) close(fd);
        return false;
    }
    long good = read_lines(j->f, key, values, count);
    rewind(j->f);
    ok = ftruncate(fd, good) == 0 && fseek(j->f, good, SEEK_SET) == 0 &&
         (good || (fprintf(j->f, "%s\n", key) > 0 && fflush(j->f) == 0));
    return ok || cannot_write(j, err);
}

bool journal_note(journal *j, const uint64_t *values, size_t count, nbase_error *err)
{
    for (size_t i = 0; i < count; i++)
        fprintf(j->f, "%" PRIu64 "%c", values[i], i + 1 < count ? ' ' : '\n');
    return fflush(j->f) == 0 || cannot_write(j, err);
}

void journal_keep(journal *j)
{
    if (j->f) fclose(j->f);
    free(j->path);
    *j = (journal){0};
}

void journal_remove(journal *j)
{
    if (j->f) unlink(j->path);
    journal_keep(j);
}
