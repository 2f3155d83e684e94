/* What memory libmtcnn takes: flat over ten thousand detections, and bounded for a picture of 50
 * megapixels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mtcnn_pictures.h"

static mtcnn_weights *weights; /* null: not there */

static void need_weights(void)
{
    if (weights) return;
    print_message("weights/mtcnn.safetensors is not there (make weights)\n");
    skip();
}

static mtcnn_detector *new_detector(const nbase_env *env, const mtcnn_options *options)
{
    mtcnn_detector *d;
    nbase_error why;
    if (mtcnn_detector_create(env, weights, options, &d, &why)) fail_msg("%s", why.text);
    return d;
}

/* ---- ten thousand detections ---- */

/* The sizes repeat after PICTURES; after a few rounds of them the heap has taken its form. */
enum { DETECTIONS = 10000, PICTURES = 100, SETTLED = 5 * PICTURES, SIZE = 80 };

static size_t resident_bytes(void)
{
    size_t whole, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%zu %zu", &whole, &pages), 2);
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* The i-th picture: a part of `page` with sides from 20 to 110 pixels that repeat after a hundred,
 * and now and then the whole. */
static nbase_image part_of(const nbase_image *page, size_t i)
{
    size_t k = i % PICTURES;
    if (k == 50) return *page;
    nbase_image part = *page;
    part.width = 20 + k * 37 % 91;
    part.height = 20 + k * 53 % 91;
    part.data += k * 7 % (page->height - 110) * page->stride + 3 * (k * 71 % (page->width - 110));
    return part;
}

/* A detection and its crop, alone, or with its neighbours in a batch, or by a detector of its
 * own. */
static size_t detect_once(mtcnn_detector *shared, const nbase_image *page, size_t i)
{
    static uint8_t crop[3 * SIZE * SIZE];
    nbase_image images[3] = {part_of(page, i), part_of(page, i + 1), part_of(page, i + 2)};
    bool alone = i % 10 == 9;
    mtcnn_options o;
    mtcnn_options_defaults(&o);
    o.num_threads = 1;
    o.retry_rotated = 1;
    mtcnn_detector *d = alone ? new_detector(NULL, &o) : shared;
    const mtcnn_result *r;
    assert_int_equal(mtcnn_detect_batch(d, images, i % 5 ? 1 : 3, &r), NBASE_OK);
    assert_int_equal(r->status, NBASE_OK);
    size_t count = r->count;
    mtcnn_crop_options c;
    mtcnn_crop_defaults(&c);
    c.size = SIZE;
    c.mode = (mtcnn_crop_mode)(i % 3);
    if (count) assert_int_equal(mtcnn_crop_face(d, &images[0], &r->faces[0], &c, crop), NBASE_OK);
    if (alone) mtcnn_detector_free(d);
    return count;
}

static void flat_over_ten_thousand_detections(void **state)
{
    (void)state;
    need_weights();
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    print_message("a sanitizer keeps memory that is freed\n");
    skip();
#endif
    picture page;
    assert_true(golden_picture("people", &page));
    nbase_image view = picture_view(&page);
    mtcnn_options o;
    mtcnn_options_defaults(&o);
    o.num_threads = 1;
    mtcnn_detector *d = new_detector(NULL, &o);
    size_t faces = 0, settled = 0, most = 0;
    for (size_t i = 0; i < DETECTIONS; i++) {
        faces += detect_once(d, &view, i);
        if (i + 1 < SETTLED || (i + 1) % PICTURES) continue;
        size_t now = resident_bytes();
        if (!settled) settled = now;
        if (now > most) most = now;
    }
    printf("%d detections, %zu faces: %.2f MB resident after the first %d, at most %.2f MB "
           "(%+.2f %%)\n",
           DETECTIONS, faces, (double)settled / 1e6, SETTLED, (double)most / 1e6,
           100.0 * ((double)most - (double)settled) / (double)settled);
    assert_true(faces > DETECTIONS / 20);
    assert_true((double)most <= 1.005 * (double)settled);
    mtcnn_detector_free(d);
    picture_free(&page);
}

/* ---- 50 megapixels ---- */

/* Counts the bytes that are allocated and their peak. The size stands before each block. */
typedef struct meter {
    _Atomic size_t live, peak;
} meter;

static void *metered_alloc(void *ctx, size_t bytes, size_t align)
{
    meter *m = ctx;
    size_t room = (bytes + 2 * align - 1) / align * align;
    uint8_t *block = aligned_alloc(align, room);
    if (!block) return NULL;
    memcpy(block + align - sizeof room, &room, sizeof room);
    memcpy(block + align - 2 * sizeof room, &align, sizeof align);
    size_t live = m->live += room, peak = m->peak;
    while (live > peak && !atomic_compare_exchange_weak(&m->peak, &peak, live)) continue;
    return block + align;
}

static void metered_release(void *ctx, void *ptr)
{
    if (!ptr) return;
    size_t room, align;
    memcpy(&room, (uint8_t *)ptr - sizeof room, sizeof room);
    memcpy(&align, (uint8_t *)ptr - 2 * sizeof room, sizeof align);
    ((meter *)ctx)->live -= room;
    free((uint8_t *)ptr - align);
}

/* Noise, where boxes abound, with people in one corner. 8,660 x 5,774 pixels. */
static picture fifty_megapixels(void)
{
    picture p = hashed_picture(8660, 5774, 9), people;
    assert_true(golden_picture("people", &people));
    for (size_t y = 0; y < people.height; y++)
        memcpy(p.pixels + 3 * ((y + 5000) * p.width + 7000), people.pixels + 3 * y * people.width,
               3 * people.width);
    picture_free(&people);
    return p;
}

static void bounded_for_fifty_megapixels(void **state)
{
    (void)state;
    need_weights();
    picture p = fifty_megapixels();
    nbase_image view = picture_view(&p);
    for (int reduced = 0; reduced < 2; reduced++) {
        meter m = {0};
        nbase_env env = {.allocator = {metered_alloc, metered_release, &m}};
        mtcnn_options o;
        mtcnn_options_defaults(&o);
        o.num_threads = 2;
        o.min_face = reduced ? 20 : 40;
        o.max_side = reduced ? 2048 : 0;
        mtcnn_detector *d = new_detector(&env, &o);
        const mtcnn_face *faces;
        size_t count;
        assert_int_equal(mtcnn_detect(d, &view, &faces, &count), NBASE_OK);
        size_t peak = m.peak;
        mtcnn_stats s = mtcnn_detector_stats(d);
        printf("8660x5774, %s: %zu levels, %zu cells, %zu boxes, %zu faces; %.1f MB of scratch at "
               "the most, the picture itself has %.1f MB\n",
               reduced ? "reduced to 2048, min face 20" : "whole, min face 40", s.levels, s.cells,
               s.proposed, count, (double)peak / 1e6, (double)(3 * p.width * p.height) / 1e6);
        assert_true(count >= (reduced ? 1 : 10));
        assert_true(peak < (size_t)64 << 20);
        mtcnn_detector_free(d);
        assert_int_equal(m.live, 0);
    }
    picture_free(&p);
}

static int set_up(void **state)
{
    (void)state;
    weights = pretrained_weights();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mtcnn_weights_free(weights);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(flat_over_ten_thousand_detections),
                                       cmocka_unit_test(bounded_for_fifty_megapixels)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
