/* The same bits from any number of threads, within a detection and from many that share one set of
 * weights. `make tsan-check` runs this too. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz/digest.h"
#include "mtcnn_pictures.h"

enum { PICTURES = 4, THREADS = 8, ROUNDS = 2, SIZE = 64 };

static mtcnn_weights *weights; /* null: not there */
static picture pictures[PICTURES];

static void need_weights(void)
{
    if (weights) return;
    print_message("weights/mtcnn.safetensors is not there (make weights)\n");
    skip();
}

static mtcnn_detector *detector_of(int threads)
{
    mtcnn_options o;
    mtcnn_options_defaults(&o);
    o.num_threads = threads;
    o.threshold[0] = 0.4; /* more candidates to mix up */
    mtcnn_detector *d = NULL;
    mtcnn_detector_create(NULL, weights, &o, &d, NULL);
    return d;
}

/* All that is found in the picture, how, and the first face's crop; 0 if anything fails. Called by
 * many threads: no assertion in here. */
static uint64_t digest_of(mtcnn_detector *d, const picture *p, mtcnn_crop_mode mode)
{
    nbase_image view = picture_view(p);
    const mtcnn_face *faces;
    size_t count;
    if (!d || mtcnn_detect(d, &view, &faces, &count)) return 0;
    uint64_t sum = DIGEST_START;
    uint8_t crop[3 * SIZE * SIZE];
    mtcnn_stats stats = mtcnn_detector_stats(d);
    digest_mix(&sum, &stats, sizeof stats);
    digest_mix(&sum, faces, count * sizeof *faces);
    mtcnn_crop_options o;
    mtcnn_crop_defaults(&o);
    o.size = SIZE;
    o.mode = mode;
    if (count && mtcnn_crop_face(d, &view, &faces[0], &o, crop)) return 0;
    if (count) digest_mix(&sum, crop, sizeof crop);
    return sum;
}

static void any_number_of_threads(void **state)
{
    (void)state;
    need_weights();
    uint64_t expected = 0;
    for (int threads = 1; threads <= THREADS; threads++) {
        mtcnn_detector *d = detector_of(threads);
        uint64_t sum = digest_of(d, &pictures[0], MTCNN_CROP_STRETCH);
        if (threads == 1) expected = sum;
        assert_true(sum && sum == expected);
        mtcnn_detector_free(d);
    }
}

typedef struct shared_job {
    const uint64_t *expected; /* of each picture */
    pthread_barrier_t *start;
    _Atomic int *wrong;
    size_t number;
} shared_job;

static void *detect_with_shared_weights(void *arg)
{
    const shared_job *job = arg;
    pthread_barrier_wait(job->start);
    mtcnn_detector *d = detector_of(1 + (int)job->number % 2);
    for (size_t i = 0; i < ROUNDS * PICTURES; i++) {
        size_t k = (i + job->number) % PICTURES; /* each thread in an order of its own */
        if (digest_of(d, &pictures[k], (mtcnn_crop_mode)(k % 3)) != job->expected[k])
            (*job->wrong)++;
    }
    mtcnn_detector_free(d);
    return NULL;
}

static void eight_threads_share_weights(void **state)
{
    (void)state;
    need_weights();
    uint64_t expected[PICTURES];
    mtcnn_detector *d = detector_of(1);
    for (size_t k = 0; k < PICTURES; k++) {
        expected[k] = digest_of(d, &pictures[k], (mtcnn_crop_mode)(k % 3));
        assert_true(expected[k] != 0);
    }
    mtcnn_detector_free(d);
    _Atomic int wrong = 0;
    pthread_barrier_t start;
    pthread_t threads[THREADS];
    shared_job jobs[THREADS];
    assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (size_t i = 0; i < THREADS; i++) {
        jobs[i] = (shared_job){expected, &start, &wrong, i};
        assert_int_equal(pthread_create(&threads[i], NULL, detect_with_shared_weights, &jobs[i]),
                         0);
    }
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
    assert_int_equal(wrong, 0);
}

static int set_up(void **state)
{
    (void)state;
    weights = pretrained_weights();
    /* One face, ten, a tiny one, and noise: candidates, but no face. */
    if (!golden_picture("half", &pictures[0])) pictures[0] = hashed_picture(256, 256, 5);
    if (!golden_picture("people", &pictures[1])) return -1;
    if (!golden_picture("tiny", &pictures[2])) pictures[2] = hashed_picture(128, 128, 7);
    pictures[3] = hashed_picture(150, 200, 5);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t k = 0; k < PICTURES; k++) picture_free(&pictures[k]);
    mtcnn_weights_free(weights);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_number_of_threads),
                                       cmocka_unit_test(eight_threads_share_weights)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
