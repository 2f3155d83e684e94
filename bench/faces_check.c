#include "faces_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VALUES = 15 }; /* of a face: corners, score, landmarks */

static void values_of(const mtcnn_face *f, double v[VALUES])
{
    v[0] = f->x1, v[1] = f->y1, v[2] = f->x2, v[3] = f->y2, v[4] = f->score;
    for (int i = 0; i < 5; i++) v[5 + 2 * i] = f->landmarks[i].x, v[6 + 2 * i] = f->landmarks[i].y;
}

void faces_print(const mtcnn_face *faces, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double v[VALUES];
        values_of(&faces[i], v);
        for (int k = 0; k < VALUES; k++) printf("%.5f%c", v[k], k + 1 < VALUES ? ' ' : '\n');
    }
}

/* Compares a line of faces_print with the face; false if they differ. */
static bool same(const char *line, const mtcnn_face *f, double *error)
{
    double v[VALUES];
    char *end;
    values_of(f, v);
    bool ok = true;
    for (int k = 0; k < VALUES; k++, line = end) {
        double d = fabs(strtod(line, &end) - v[k]);
        ok = ok && end != line && d <= (k == 4 ? 1e-3 : 0.1);
        if (k != 4 && !(d <= *error)) *error = d;
    }
    return ok;
}

/* Puts the photo's name in quotes for the shell; false if it has a quote itself. */
static bool quoted(const char *photo, char *out, size_t size)
{
    out[0] = 0;
    return !photo ||
           (!strchr(photo, '\'') && (size_t)snprintf(out, size, "--photo '%s'", photo) < size);
}

bool faces_check(const mtcnn_face *faces, size_t count, const char *name, size_t min_face,
                 const char *photo, double *error)
{
    char file[1200], command[1400], line[600];
    if (!quoted(photo, file, sizeof file)) return false;
    snprintf(command, sizeof command,
             "NBASE_MAX_ISA=ref /proc/%d/exe --quiet --faces detect:min%zu %s", (int)getpid(),
             min_face, file);
    FILE *f = popen(command, "r");
    size_t seen = 0;
    bool ok = f != NULL;
    while (f && fgets(line, sizeof line, f)) {
        ok = ok && seen < count && same(line, &faces[seen], error);
        seen++;
    }
    if (!f || pclose(f) || seen != count) {
        fprintf(stderr, "bench: %s: %zu faces, the plain kernels find %zu\n", name, count, seen);
        return false;
    }
    return ok;
}
