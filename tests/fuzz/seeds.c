/* seeds.c - whole files of made-up weights for the fuzzers of the importer: seeds
 * npy|joblib|torch|caffe FOLDER. For joblib the pickle alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtcnn_containers.h"

/* The pickle out of an LZ4 frame of stored and literals-only blocks as write_container makes it. */
static out_bytes unpack(out_bytes frame)
{
    out_bytes out = {.data = malloc(frame.size)};
    if (!out.data) abort();
    for (size_t at = 7; at + 4 <= frame.size;) {
        uint32_t header;
        memcpy(&header, frame.data + at, 4);
        size_t size = header & 0x7fffffff, skip = 0;
        at += 4;
        if (!size) break;
        if (!(header >> 31))
            for (skip = 2; frame.data[at + skip - 1] == 255;) skip++;
        memcpy(out.data + out.size, frame.data + at + skip, size - skip);
        out.size += size - skip;
        at += size;
    }
    free(frame.data);
    return out;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int container;
    } kinds[] = {{"caffe", CONTAINER_CAFFE},
                 {"npy", CONTAINER_FACENET},
                 {"joblib", CONTAINER_JOBLIB},
                 {"torch", CONTAINER_TORCH}};
    for (size_t k = 0; argc == 3 && k < 4; k++) {
        if (strcmp(argv[1], kinds[k].name)) continue;
        out_bytes b = write_container(kinds[k].container, MTCNN_PNET, 1);
        if (kinds[k].container == CONTAINER_JOBLIB) b = unpack(b);
        char path[1000];
        snprintf(path, sizeof path, "%s/pnet", argv[2]);
        FILE *f = fopen(path, "wb");
        int ok = f && fwrite(b.data, 1, b.size, f) == b.size;
        free(b.data);
        return f && fclose(f) == 0 && ok ? 0 : 1;
    }
    fprintf(stderr, "usage: seeds npy|joblib|torch|caffe FOLDER\n");
    return 2;
}
