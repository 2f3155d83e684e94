/* A photo's way through skin-faces: a file decoded and turned upright, every eighth of the
 * small ones searched, a face's crop taken. Run with weights/mtcnn.safetensors in the current
 * folder (`make weights`); without, nothing is searched. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "photos/extract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_SEARCHED = 64 * 64, SIZE = 24 };

/* Made once. */
static extractor *searcher(void)
{
    static extractor *e;
    if (e || access("weights/mtcnn.safetensors", R_OK)) return e;
    extract_options o;
    extract_defaults(&o);
    o.mtcnn.retry_rotated = true;
    o.crop.mode = MTCNN_CROP_SQUARE;
    o.mtcnn.max_candidates = 16;
    e = extractor_create(extract_weights("weights/mtcnn.safetensors", NULL), &o, NULL);
    if (!e) abort();
    return e;
}

static void search(const picture *p)
{
    uint8_t img[SIZE * SIZE * 3], mask = 0;
    int32_t box[4], photo[2], frame = 0, rotation, reason = 0, colour;
    float score, landmarks[10], quality[QUALITY_MEASURES];
    face_series s = {.count = 1,
                     .size = SIZE,
                     .img = img,
                     .mask = &mask,
                     .box = box,
                     .score = &score,
                     .landmarks = landmarks,
                     .frame = &frame,
                     .photo = photo,
                     .rotation = &rotation,
                     .quality = quality,
                     .reason = &reason,
                     .colour = &colour};
    /* every picture can be searched */
    if (!extract_frame(searcher(), p, &s, 0, NULL, NULL)) abort();
    if (mask && (box[0] < 0 || box[1] < 0 || box[2] < 1 || box[3] < 1 ||
                 box[0] + box[2] > photo[0] || box[1] + box[3] > photo[1]))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    picture p;
    nbase_error err = {0};
    if (!picture_decode(data, size, &p, &err)) {
        if (!err.text[0]) abort();
        return 0;
    }
    if (!p.width || !p.height || !p.pixels) abort();
    if (p.width * p.height <= MAX_SEARCHED && size % 8 == 1 && searcher()) search(&p);
    picture_free(&p);
    return 0;
}
