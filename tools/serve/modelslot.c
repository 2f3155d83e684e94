#include "modelslot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool hash_file(const char *path, char id[17])
{
    FILE *f = fopen(path, "rb");
    if (!f) return false;
    uint64_t h = 0xCBF29CE484222325u;
    unsigned char block[65536];
    for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;)
        for (size_t i = 0; i < n; i++) h = (h ^ block[i]) * 0x100000001B3u;
    bool ok = !ferror(f);
    fclose(f);
    snprintf(id, 17, "%016llx", (unsigned long long)h);
    return ok;
}

static bool read_metadata(const char *path, served_model *m, char *error, size_t error_size)
{
    nbase_archive *a = NULL;
    nbase_error why = {0};
    if (nbase_archive_read(NULL, path, &a, &why) != NBASE_OK) {
        snprintf(error, error_size, "%s", why.text);
        return false;
    }
    const char *note = nbase_archive_meta(a, CALIBRATION_NOTE_META);
    bool ok = calibration_parse(nbase_archive_meta(a, CALIBRATION_META), &m->calibration);
    if (!ok)
        snprintf(error, error_size,
                 "%s: the metadata '%s' must be {\"slope\": number above 0, \"offset\": number}",
                 path, CALIBRATION_META);
    if (ok && note && strlen(note) >= sizeof m->note) {
        snprintf(error, error_size, "%s: the metadata '%s' is longer than %zu bytes", path,
                 CALIBRATION_NOTE_META, sizeof m->note - 1);
        ok = false;
    }
    if (ok) snprintf(m->note, sizeof m->note, "%s", note ? note : "");
    nbase_archive_free(a);
    return ok;
}

static served_model *load(const char *path, char *error, size_t error_size)
{
    nbase_error why = {0};
    served_model *m = calloc(1, sizeof *m);
    if (!m) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    if (convlstm_model_load(NULL, path, &m->model, &why) != NBASE_OK) {
        snprintf(error, error_size, "%s; a model is made with skin-train or skin-import", why.text);
        free(m);
        return NULL;
    }
    convlstm_model_get_info(m->model, &m->info);
    atomic_init(&m->users, 1);
    if (m->info.channels != 3 || m->info.outputs != 2)
        snprintf(error, error_size,
                 "%s: a model with %zu channels and %zu outputs; expected 3 colours in and 2 "
                 "probabilities out",
                 path, m->info.channels, m->info.outputs);
    else if (!hash_file(path, m->id))
        snprintf(error, error_size, "%s: cannot read: %s", path, strerror(errno));
    else if (read_metadata(path, m, error, error_size))
        return m;
    served_model_release(m);
    return NULL;
}

bool model_slot_load(model_slot *slot, const char *path, char *error, size_t error_size)
{
    served_model *m = load(path, error, error_size);
    if (!m) return false;
    pthread_mutex_lock(&slot->lock);
    served_model *old = slot->current;
    m->generation = ++slot->generation;
    slot->current = m;
    pthread_mutex_unlock(&slot->lock);
    if (old) served_model_release(old);
    return true;
}

served_model *model_slot_get(model_slot *slot)
{
    pthread_mutex_lock(&slot->lock);
    served_model *m = slot->current;
    if (m) atomic_fetch_add(&m->users, 1);
    pthread_mutex_unlock(&slot->lock);
    return m;
}

void served_model_release(served_model *m)
{
    if (atomic_fetch_sub(&m->users, 1) > 1) return;
    convlstm_model_free(m->model);
    free(m);
}

void model_slot_clear(model_slot *slot)
{
    pthread_mutex_lock(&slot->lock);
    served_model *old = slot->current;
    slot->current = NULL;
    pthread_mutex_unlock(&slot->lock);
    if (old) served_model_release(old);
}
