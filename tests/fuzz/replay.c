/* replay.c - a main for the fuzz targets without libFuzzer: runs the target on every file that is
 * named, or is in a folder that is named. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path, size_t size)
{
    FILE *f = fopen(path, "rb");
    /* of exactly that size: a sanitizer sees a read beyond it */
    uint8_t *data = malloc(size ? size : 1);
    int ok = f && data && fread(data, 1, size, f) == size;
    if (ok)
        LLVMFuzzerTestOneInput(data, size);
    else
        fprintf(stderr, "%s: cannot read\n", path);
    free(data);
    if (f) fclose(f);
    return ok ? 1 : -1;
}

/* Number of files run, or -1. */
static int run(const char *path)
{
    struct stat st;
    if (stat(path, &st)) {
        perror(path);
        return -1;
    }
    if (!S_ISDIR(st.st_mode)) return run_file(path, (size_t)st.st_size);
    struct dirent **names;
    int count = scandir(path, &names, NULL, alphasort), done = 0;
    for (int i = 0; i < count; i++) {
        char inner[4096];
        snprintf(inner, sizeof inner, "%s/%s", path, names[i]->d_name);
        int n = names[i]->d_name[0] == '.' || done < 0 ? 0 : run(inner);
        done = n < 0 ? -1 : done + n;
        free(names[i]);
    }
    if (count >= 0) free(names);
    return count < 0 ? -1 : done;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        int n = run(argv[i]);
        if (n < 0) return 1;
        total += n;
    }
    printf("%d inputs\n", total);
    return total ? 0 : 1; /* a corpus that is not found must not pass */
}
