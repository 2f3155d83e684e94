#include "loaded.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* The address sanitizer ends a program that asks for this; musl does not have it. */
#if defined(RTLD_DEEPBIND) && !defined(__SANITIZE_ADDRESS__)
#define OWN_FUNCTIONS RTLD_DEEPBIND
#else
#define OWN_FUNCTIONS 0
#endif

bool library_load(const char *file, const loaded_symbol *symbols, const char *advice, char *why)
{
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL | OWN_FUNCTIONS);
    const char *missing = NULL;
    if (!library) {
        const char *fault = dlerror(); /* begins with the file that is not there, which may be */
        bool absent = fault && !strncmp(fault, file, strlen(file)); /* one that this one needs */
        snprintf(why, 200, "%.100s%s: %s", absent ? file : fault, absent ? " is not installed" : "",
                 advice);
        return false;
    }
    for (const loaded_symbol *s = symbols; s->name && !missing; s++) {
        void *found = dlsym(library, s->name);
        memcpy(s->to, &found, sizeof found);
        if (!found) missing = s->name;
    }
    if (missing) snprintf(why, 200, "%s has no %s; wanted is: %s", file, missing, advice);
    return !missing;
}
