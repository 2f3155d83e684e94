#include "ranks_module.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "fileio.h"

#define MODULE "lib/skincredible/skin-mpi.so"

/* DIR/../lib/skincredible/skin-mpi.so, DIR being the folder of the running program: the same place
 * in the build and below a prefix. */
static bool find_module(char *path, size_t size, nbase_error *err)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0)
        return tool_fail(err, NBASE_ERR_IO, "/proc is missing, by which " MODULE " is found");
    self[n] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(self, '/');
        if (slash) *slash = '\0';
    }
    int length = snprintf(path, size, "%s/" MODULE, self);
    return (length > 0 && (size_t)length < size) ||
           tool_fail(err, NBASE_ERR_IO, "%.200s/" MODULE ": the path is too long", self);
}

const ranks_link *ranks_module_load(nbase_error *err)
{
    char path[PATH_MAX + 64];
    if (!find_module(path, sizeof path, err)) return NULL;
    if (!file_exists(path)) {
        tool_fail(err, NBASE_ERR_UNSUPPORTED,
                  "several ranks need the module %.150s, which was not built here: install "
                  "libopenmpi-dev and openmpi-bin and run make again, or start one process without "
                  "a launcher",
                  path);
        return NULL;
    }
    /* Open MPI loads parts of its own, which look for its names among the global ones. */
    void *module = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    const char *version = module ? dlsym(module, RANKS_MODULE_VERSION) : NULL;
    ranks_module_open open_module =
        module ? (ranks_module_open)dlsym(module, RANKS_MODULE_OPEN) : NULL;
    if (!version || !open_module) {
        const char *why = dlerror();
        tool_fail(err, NBASE_ERR_UNSUPPORTED,
                  "several ranks need Open MPI (install openmpi-bin): %.250s", why ? why : path);
        return NULL;
    }
    if (strcmp(version, nbase_version())) {
        tool_fail(err, NBASE_ERR_UNSUPPORTED, "%.200s is of version %.20s, this tool of %s", path,
                  version, nbase_version());
        return NULL;
    }
    return open_module(err);
}
