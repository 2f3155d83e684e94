#include "decode_child.h"

#include <stdio.h>
#include <string.h>

#include "fence/fence.h"
#include "fence/shared.h"
#include "pictures/images.h"

static void answer(uint8_t *memory, size_t room, const decode_question *q, decode_answer *a)
{
    picture p;
    nbase_error err = {0};
    *a = (decode_answer){0};
    size_t at = decode_pixels_at(q->size), most = q->shape.width * q->shape.height * 3;
    picture_options options = q->options;
    options.room = memory + at;
    options.room_size = most <= room - at ? most : 0;
    shared_meet(memory, at, at + options.room_size);
    a->ok = picture_decode_surveyed(memory, q->size, &q->shape, &options, &p, &err);
    size_t bytes = a->ok ? p.width * p.height * 3 : 0;
    a->ok = a->ok && at + bytes <= room;
    if (a->ok) {
        if (!p.borrowed) memcpy(memory + at, p.pixels, bytes);
        a->width = p.width, a->height = p.height;
        a->orientation = p.orientation;
        memcpy(a->note, p.note, sizeof a->note);
    }
    snprintf(a->error, sizeof a->error, "%.*s", (int)sizeof a->error - 1, err.text);
    picture_free(&p);
}

static void answer_all(uint8_t *memory, size_t room)
{
    decode_question q;
    decode_answer a;
    while (fence_read(&q, sizeof q)) {
        answer(memory, room, &q, &a);
        if (!fence_write(&a, sizeof a)) return;
    }
}

const fenced_work decode_child = {.prepare = pictures_prepare, .main = answer_all};
