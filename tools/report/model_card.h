/* model_card.h - the papers that go with a model: what it is, what it was trained on, on whom it
 * was judged, how well, for whom less well, and what it is not for (Mitchell et al., "Model Cards
 * for Model Reporting", 2019). skin-evaluate writes the card beside its report, and with --card
 * into the model's file. */
#ifndef SKIN_MODEL_CARD_H
#define SKIN_MODEL_CARD_H

#include <jansson.h>
#include <stdbool.h>

#include "convlstm.h"
#include "report.h"
#include "sha256.h"

/* Metadata of a model file: the card, as JSON (docs/formats.md). */
#define CARD_META "card"

/* The most bytes of a card in a file. */
enum { CARD_MAX_BYTES = 1 << 16 };

/* SHA-256 of the network's description and its weights, in the order of the file: the same for any
 * copy of a model, whatever other metadata it has. */
void model_digest(const convlstm_model *m, char hex[SHA256_HEX]);

/* The card of a model that was judged.
 *
 * r       prepared: the figures, the people, the groups
 * model   its file, whose other metadata (training, note) go into the card
 * m       the network in it
 * data    SHA-256 of the people judged
 *
 * A new reference; null with an error, in a build without nettle too. */
json_t *model_card(const report *r, const char *model, const convlstm_model *m, const char *data,
                   nbase_error *err);

/* The card in a model's file; a new reference. Null if there is none, or with an error: it is no
 * card, or that of other weights. *err is left alone where there is none, and in a build without
 * nettle, which cannot tell. */
json_t *model_card_of(const nbase_archive *a, const char *path, const convlstm_model *m,
                      nbase_error *err);

/* Writes a copy of the model's file that has the card in it. `out` may be the file itself. */
bool model_card_embed(const json_t *card, const char *model, const char *out, nbase_error *err);

#endif
