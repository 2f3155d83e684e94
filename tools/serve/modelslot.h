/* modelslot.h - the model in service: shared by the workers, exchanged while they work (SIGHUP),
 * freed by its last user. */
#ifndef SERVE_MODELSLOT_H
#define SERVE_MODELSLOT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "convlstm.h"
#include "score/calibration.h"

typedef struct served_model {
    convlstm_model *model;
    convlstm_model_info info;
    char id[17];             /* FNV-1a of the file, in hexadecimal */
    calibration calibration; /* of the file's metadata, or calibration_none */
    char note[240];          /* a sentence about the model from the file's metadata, or "" */
    uint64_t generation;     /* 1 for the first, one more at each exchange */
    _Atomic int users;
} served_model;

typedef struct model_slot {
    pthread_mutex_t lock;
    served_model *current;
    uint64_t generation;
} model_slot;

/* Loads the file and puts it into service; on failure false with one line in error, and the model
 * before stays. */
bool model_slot_load(model_slot *slot, const char *path, char *error, size_t error_size);
served_model *model_slot_get(model_slot *slot); /* to be given back with served_model_release */
void served_model_release(served_model *m);
void model_slot_clear(model_slot *slot);

#endif
