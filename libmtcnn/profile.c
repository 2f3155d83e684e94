/* profile.c - the table of the published versions of the cascade. */
#include "profile.h"

#include <string.h>

/* Sides of boxes count x2 - x1 + extra. */
#define GREEDY(extra_)                                                                             \
    {                                                                                              \
        .overlap = MTCNN__UNION, .extra = extra_                                                   \
    }
#define GREEDY_SMALLER(extra_)                                                                     \
    {                                                                                              \
        .overlap = MTCNN__SMALLER, .extra = extra_                                                 \
    }

static const mtcnn__profile profiles[] = {
    [MTCNN_IPAZC_0_1] =
        {
            .name = "ipazc-0.1",
            .threshold = {0.6, 0.7, 0.7},
            .scale_rule = MTCNN__SCALE_POWER,
            .size_rule = MTCNN__SIZE_CEIL,
            .filter = MTCNN__FILTER_OPENCV_AREA,
            .crop_rule = MTCNN__CROP_PADDED,
            .single_rule = MTCNN__SINGLE_MIRRORED,
            .at_least = true,
            .whole_boxes = true,
            .nms = {GREEDY(1), GREEDY(1), GREEDY_SMALLER(1)},
        },
    [MTCNN_1_0] =
        {
            .name = "mtcnn-1.0",
            .threshold = {0.6, 0.7, 0.8},
            .scale_rule = MTCNN__SCALE_COUNT,
            .size_rule = MTCNN__SIZE_FLOOR,
            .filter = MTCNN__FILTER_AREA,
            .crop_rule = MTCNN__CROP_SAMPLED,
            .offsets_first = true,
            .nms = {{.overlap = MTCNN__UNION, .by_all = true},
                    {.overlap = MTCNN__UNION, .by_all = true},
                    {.overlap = MTCNN__SMALLER, .by_all = true}},
        },
    [MTCNN_FACENET_PYTORCH] =
        {
            .name = "facenet-pytorch",
            .threshold = {0.6, 0.7, 0.7},
            .scale_rule = MTCNN__SCALE_PRODUCT,
            .size_rule = MTCNN__SIZE_FLOOR_PLUS_ONE,
            .filter = MTCNN__FILTER_MEAN,
            .crop_rule = MTCNN__CROP_CLAMPED,
            .at_least = true,
            .single_corners = true,
            .nms = {{.overlap = MTCNN__UNION, .earlier_first = true},
                    {.overlap = MTCNN__UNION, .earlier_first = true},
                    GREEDY_SMALLER(1)},
        },
    [MTCNN_CAFFE] =
        {
            .name = "caffe",
            .threshold = {0.6, 0.7, 0.7},
            .scale_rule = MTCNN__SCALE_POWER,
            .size_rule = MTCNN__SIZE_CEIL,
            .filter = MTCNN__FILTER_PIOTR,
            .crop_rule = MTCNN__CROP_PADDED,
            .single_rule = MTCNN__SINGLE_TRANSPOSED,
            .at_least = true,
            .whole_boxes = true,
            .nms = {GREEDY(1), GREEDY(1), GREEDY_SMALLER(1)},
        },
};
enum { PROFILES = sizeof profiles / sizeof *profiles };

const mtcnn__profile *mtcnn__profile_of(int profile)
{
    return profile >= 0 && profile < PROFILES ? &profiles[profile] : NULL;
}

const char *mtcnn_profile_name(mtcnn_profile profile)
{
    const mtcnn__profile *p = mtcnn__profile_of((int)profile);
    return p ? p->name : NULL;
}

nbase_status mtcnn_options_profile(mtcnn_options *options, const char *name)
{
    for (int i = 0; i < PROFILES; i++)
        if (name && !strcmp(name, profiles[i].name)) {
            *options =
                (mtcnn_options){.profile = (mtcnn_profile)i, .min_face = 20, .factor = 0.709};
            memcpy(options->threshold, profiles[i].threshold, sizeof options->threshold);
            return NBASE_OK;
        }
    return NBASE_ERR_UNSUPPORTED;
}

void mtcnn_options_defaults(mtcnn_options *options)
{
    (void)mtcnn_options_profile(options, profiles[MTCNN_IPAZC_0_1].name);
}
