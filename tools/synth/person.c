#include "person.h"

#include <stdlib.h>

#include "skin.h"

static const size_t HEAD_TEXELS = (size_t)HEAD_WIDTH * HEAD_HEIGHT * TEXEL;

bool person_create(person *p)
{
    *p = (person){0};
    bool ok = head_create(&p->head) && hair_create(&p->hair) && ear_create(&p->ears[0]) &&
              ear_create(&p->ears[1]) && body_create(&p->body);
    p->bare = malloc(HEAD_TEXELS * sizeof(float));
    if (ok && p->bare) return true;
    person_free(p);
    return false;
}

void person_free(person *p)
{
    head_free(&p->head);
    surface_free(&p->hair);
    surface_free(&p->ears[0]);
    surface_free(&p->ears[1]);
    surface_free(&p->body);
    free(p->bare);
    *p = (person){0};
}

void person_build(person *p, const identity *id)
{
    p->id = *id;
    head_shape(&p->head, id);
    skin_paint(&p->head, id, p->head.skin.tex);
    hair_paint_roots(&p->head, id, p->head.skin.tex);
    memcpy(p->bare, p->head.skin.tex, HEAD_TEXELS * sizeof(float));
    hair_shape(&p->hair, id);
    ear_shape(&p->ears[0], id, -1);
    ear_shape(&p->ears[1], id, 1);
    body_shape(&p->body, id);
}

surface *person_part(person *p, int part)
{
    switch (part) {
    case PART_HEAD: return &p->head.skin;
    case PART_HAIR: return &p->hair;
    case PART_EAR_LEFT: return &p->ears[0];
    case PART_EAR_RIGHT: return &p->ears[1];
    default: return &p->body;
    }
}
