#include "getdata.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "markup.h"

const char *const fate_names[FATE_COUNT] = {"kept",          "no_note",    "other_language",
                                            "note_too_long", "few_images", "many_images",
                                            "override",      "error"};
const char *const fate_reasons[FATE_COUNT] = {
    "kept",           "no doctor's note", "no note in English", "every note is too long",
    "too few photos", "too many photos",  "dropped by hand",    "error in the file"};

/* `text` is the note without markup. */
static bool judge_text(const getdata_options *o, const judges *j, const char *text, size_t size,
                       bool score, note_opinion *out, nbase_error *err)
{
    if (!out->judged) {
        out->judged = true;
        if (!j->language->language(j->language, text, size, out->language,
                                   &out->language_probability, err))
            return false;
        out->in_language = strcmp(out->language, o->only_language) == 0;
    }
    if (!score || !out->in_language || out->scored) return true;
    out->scored = true;
    return j->sentiment->sentiment(j->sentiment, text, size, &out->sentiment, err);
}

static bool form_opinion(const getdata_options *o, const judges *j, const record *note, bool score,
                         note_opinion *out, nbase_error *err)
{
    char *plain = NULL;
    size_t size = note->size;
    out->long_note = note->size >= o->note_bytes;
    if (out->long_note) return true;
    if (!markup_remove(note->text, note->size, &plain, &size)) return tool_no_memory(err);
    bool ok = judge_text(o, j, plain ? plain : note->text, size, score, out, err);
    free(plain);
    return ok;
}

bool decide(const getdata_options *o, const judges *j, const user_records *r, override_kind by_hand,
            decision *out, nbase_error *err)
{
    bool all = o->review != NULL, too_long = r->note_count > 0;
    out->deciding = SIZE_MAX;
    out->by_hand = by_hand == OVERRIDE_LABEL_0 || by_hand == OVERRIDE_LABEL_1;
    /* the latest note first */
    for (size_t i = r->note_count; i > 0 && (all || out->deciding == SIZE_MAX); i--) {
        note_opinion *n = &out->opinions[i - 1];
        if (!form_opinion(o, j, &r->notes[i - 1], all || out->deciding == SIZE_MAX, n, err))
            return false;
        if (n->in_language && out->deciding == SIZE_MAX) out->deciding = i - 1;
        too_long &= n->long_note;
    }
    if (by_hand == OVERRIDE_DROP)
        out->fate = FATE_OVERRIDE;
    else if (out->deciding == SIZE_MAX && !out->by_hand)
        out->fate = r->note_count == 0 ? FATE_NO_NOTE
                    : too_long         ? FATE_NOTE_TOO_LONG
                                       : FATE_OTHER_LANGUAGE;
    else if (r->image_count < o->min_images)
        out->fate = FATE_FEW_IMAGES;
    else if (r->image_count >= o->frames)
        out->fate = FATE_MANY_IMAGES;
    else
        out->fate = FATE_KEPT;
    if (out->by_hand) {
        out->label = by_hand == OVERRIDE_LABEL_1;
        if (out->deciding == SIZE_MAX && r->note_count) out->deciding = r->note_count - 1;
    } else if (out->deciding != SIZE_MAX) {
        out->label = out->opinions[out->deciding].sentiment.sentiment == NOTE_POSITIVE;
    }
    return true;
}
