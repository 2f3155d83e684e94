/* modelslot.h - the model in service: shared by the workers, exchanged while they work (SIGHUP),
 * and freed by its last user. */
#ifndef SERVE_MODELSLOT_H
#define SERVE_MODELSLOT_H

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "convlstm.h"
#include "score/calibration.h"
#include "score/conformal.h"
#include "score/familiar.h"

typedef struct served_model {
    convlstm_model *model;
    convlstm_model_info info;
    char id[17];             /* FNV-1a of the file, in hexadecimal */
    calibration calibration; /* from the file's metadata, or calibration_none */
    conformal measured;      /* for answers with a promise, or empty */
    familiar known;          /* tells unfamiliar photos, or empty */
    bool as_stored;          /* its photos' colours were left as stored (data/colours.h) */
    json_t *card;            /* the model card in the file (report/model_card.h), or null */
    char note[240];          /* a sentence about the model from the file's metadata, or "" */
    uint64_t generation;     /* 1 for the first model, one more for each that follows */
    _Atomic int users;
} served_model;

typedef struct model_slot {
    pthread_mutex_t lock;
    served_model *current;
    uint64_t generation;
} model_slot;

/* Loads the file and puts it into service. On failure false, and the previous model stays. */
bool model_slot_load(model_slot *slot, const char *path, nbase_error *err);

/* The model in service, for the caller to release with served_model_release. Null before the first
 * load. */
served_model *model_slot_get(model_slot *slot);
void served_model_release(served_model *m);

/* Takes the model out of service. */
void model_slot_clear(model_slot *slot);

#endif
