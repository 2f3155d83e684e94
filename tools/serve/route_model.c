/* GET /v1/model: the model in service, and the limits of this server. */
#include <jansson.h>

#include "pictures/images.h"
#include "request.h"

static json_t *limits_json(const serve_options *o)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "body_bytes",
                     (json_int_t)o->max_body, "frames", (json_int_t)o->max_frames, "side",
                     (json_int_t)o->max_side, "photos", (json_int_t)o->max_photos, "photo_bytes",
                     (json_int_t)o->max_photo_bytes, "photo_pixels", (json_int_t)o->max_pixels,
                     "least_photos", (json_int_t)o->min_photos, "deadline_seconds", o->deadline);
}

static json_t *photo_types_json(void)
{
    json_t *list = json_array();
    for (size_t i = 0; picture_media_type(i); i++)
        json_array_append_new(list, json_string(picture_media_type(i)));
    return list;
}

static void answer_model(request *r)
{
    server *s = r->server;
    served_model *m = model_slot_get(&s->models);
    json_t *all = json_pack(
        "{s:s, s:I, s:I, s:I, s:b, s:I, s:[s,s], s:s, s:b, s:o, s:o, s:b, s:o, s:o, s:o*}", "id",
        m->id, "generation", (json_int_t)m->generation, "height", (json_int_t)m->info.height,
        "width", (json_int_t)m->info.width, "any_size", m->info.any_size, "parameters",
        (json_int_t)m->info.parameters, "labels", convlstm_model_label(m->model, 0),
        convlstm_model_label(m->model, 1), "note", m->note, "calibrated", m->calibration.people > 0,
        "coverage", m->measured.count[0] ? json_real(s->options->coverage) : json_null(), "card",
        m->card ? json_deep_copy(m->card) : json_null(), "detects_faces", s->weights != NULL,
        "limits", limits_json(s->options), "photo_types", photo_types_json(), "network",
        json_loads(convlstm_model_json(m->model), 0, NULL));
    served_model_release(m);
    request_json(r, all, 0);
}

extern const route_handlers model_route;
const route_handlers model_route = {.finish = answer_model};
