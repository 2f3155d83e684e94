#include "local_page.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "fileio.h"
#include "serve_limits.h"

#define SCRIPT "text/javascript; charset=utf-8"
#define BYTES "application/octet-stream"
#define PREFIX "/local/"

static const struct {
    const char *name, *type;
} names[LOCAL_FILES] = {
    {"index.html", "text/html; charset=utf-8"},
    {"style.css", "text/css; charset=utf-8"},
    {"icon.svg", "image/svg+xml"},
    {"app.js", SCRIPT},
    {"backend.js", SCRIPT},
    {"before.js", SCRIPT},
    {"course.js", SCRIPT},
    {"draw.js", SCRIPT},
    {"exif.js", SCRIPT},
    {"result.js", SCRIPT},
    {"skin.mjs", SCRIPT},
    {"worker.mjs", SCRIPT},
    {"skin.wasm", "application/wasm"},
    {"skin-threads.wasm", "application/wasm"},
    {"mtcnn.safetensors", BYTES},
    {"model.safetensors", BYTES},
};

bool local_page_load(local_page *p, const char *folder, nbase_error *err)
{
    *p = (local_page){0};
    for (size_t i = 0; i < LOCAL_FILES; i++) {
        char *path = file_join(folder, names[i].name, err);
        if (!path) return false;
        p->files[i].bytes = file_read(path, SERVE_MAX_MODEL, &p->files[i].size, err);
        free(path);
        if (!p->files[i].bytes) {
            tool_fail_advice(err, "; --local takes a folder that 'make wasm' wrote");
            return false;
        }
    }
    p->there = true;
    return true;
}

void local_page_free(local_page *p)
{
    for (size_t i = 0; i < LOCAL_FILES; i++) free(p->files[i].bytes);
    *p = (local_page){0};
}

const local_file *local_page_find(const local_page *p, const char *path, const char **type)
{
    if (strncmp(path, PREFIX, strlen(PREFIX)) != 0) return NULL;
    const char *name = path[strlen(PREFIX)] ? path + strlen(PREFIX) : names[0].name;
    for (size_t i = 0; p->there && i < LOCAL_FILES; i++)
        if (strcmp(names[i].name, name) == 0) {
            *type = names[i].type;
            return &p->files[i];
        }
    return NULL;
}
