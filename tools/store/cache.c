#ifdef HAVE_CURL
/* A copy is a file named by the SHA-256 of the object's URL: one line "ETAG SHA256 SIZE\n", then
 * the bytes. */
#include "cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "aws_digest.h"
#include "cli.h"
#include "fail.h"
#include "fileio.h"

const char *cache_folder(void)
{
    const char *folder = getenv("SKIN_S3_CACHE");
    return folder && *folder ? folder : NULL;
}

static char *copy_path(const char *folder, const char *url)
{
    char name[65];
    aws_sha256(url, strlen(url), name);
    return file_join(folder, name, NULL);
}

/* Reads the bytes after the first line from an open file; null if the line does not describe
 * them. */
static char *read_copy(FILE *f, size_t max_bytes, size_t *size, char etag[80])
{
    char line[256], sha[65], actual[65];
    if (!fgets(line, sizeof line, f) || sscanf(line, "%79s %64s %zu", etag, sha, size) != 3 ||
        *size > max_bytes)
        return NULL;
    char *data = malloc(*size + 1);
    if (!data) return NULL;
    bool whole = fread(data, 1, *size, f) == *size && fgetc(f) == EOF;
    data[*size] = 0;
    aws_sha256(data, *size, actual);
    if (whole && !strcmp(actual, sha)) return data;
    free(data);
    return NULL;
}

char *cache_read(const char *folder, const char *url, size_t max_bytes, size_t *size, char etag[80])
{
    char *path = copy_path(folder, url);
    FILE *f = path ? fopen(path, "rb") : NULL;
    char *data = f ? read_copy(f, max_bytes, size, etag) : NULL;
    if (f) fclose(f);
    free(path);
    return data;
}

void cache_write(const char *folder, const char *url, const char *etag, const void *data,
                 size_t size)
{
    if (!*etag || strpbrk(etag, " \t")) return;
    char *path = copy_path(folder, url), sha[65];
    outfile out;
    nbase_error err;
    bool ok = path ? file_make_dirs(folder, &err) && outfile_open(&out, path, &err)
                   : tool_no_memory(&err);
    if (ok) {
        aws_sha256(data, size, sha);
        fchmod(fileno(out.stream), 0600); /* it may show a person */
        fprintf(out.stream, "%s %s %zu\n", etag, sha, size);
        fwrite(data, 1, size, out.stream);
        ok = outfile_commit(&out, &err);
    }
    if (!ok) cli_warn("%s; the object is not cached", err.text);
    free(path);
}
#endif
