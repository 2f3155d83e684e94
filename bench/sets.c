/* The sets of problems, and what bench can do, as a list. */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "bench_engine.h"

static const struct {
    const char *name, *about;
} sets[] = {
    {"presets", "what the project is for: inference, training and detection of its own sizes"},
    {"infer", "whole networks on photos: one and eight people, fp32 and bfloat16"},
    {"train", "training steps: all frames valid, half of them, Keras's next-frame example"},
    {"detect", "the networks of MTCNN alone, and whole detections"},
    {"sizes", "other sizes of frames"},
    {"conv", "convolutions of the presets' layers: forward, data and weight gradient"},
    {"gates", "whole ConvLSTM steps, forward and backward; tanh, exp, sigmoid"},
    {"gemm", "matrix products of the shapes that occur"},
    {"frames", "a training step of Keras's next-frame example"},
    {"networks", "networks that many people run: inference, and training steps"},
    {"jpeg", "decoding a photo, whole and reduced"},
    {"photos", "photos through skin-faces, from 0.3 to 12 megapixels, a photo per thread"},
    {"photo_parts", "the same, and what decoding, finding faces and cutting out take"},
};

static const struct {
    const char *sets, *text;
} presets[] = {
    {"presets infer", "infer:mb1t30ih80iw80n\"infer_b1\""},
    {"presets infer", "infer:mb8t30ih80iw80n\"infer_b8\""},
    {"infer", "infer:mb1t30ih80iw80bf1n\"infer_b1_bf16\""},
    {"train", "train:mb8t30ih80iw80bf1n\"train_b8_bf16\""},
    {"presets train", "train:mb8t30ih80iw80n\"train_b8\""},
    {"presets train", "train:mb8t30ih80iw80v15n\"train_b8_half\""},
    {"presets detect", "pnet:ih379iw721n\"pnet\""},
    {"presets detect", "rnet:mb100n\"rnet100\""},
    {"presets detect", "onet:mb30n\"onet30\""},
    {"presets detect", "detect:min20n\"detect_1200x630\""},
    {"detect", "detect:min40n\"detect_1200x630_min40\""},
    {"sizes", "infer:mb8ih75iw53n\"infer_75x53\""},
    {"sizes", "infer:mb8ih64iw64n\"infer_64x64\""},
    {"sizes", "train:mb8ih75iw53n\"train_75x53\""},
    {"sizes", "infer:mb1ih160iw160gap1n\"infer_gap_160x160\""},
    /* The presets' layers, x and h stacked as the step has them; then Keras's next-frame
     * example. */
    {"conv", "conv:mb8ic23oc80ih80n\"layer1\""},
    {"conv", "conv_bd:mb8ic23oc80ih80n\"layer1_bd\""},
    {"conv", "conv_bw:mb8ic23oc80ih80n\"layer1_bw\""},
    {"conv", "conv:mb8ic30oc40ih80n\"layer2\""},
    {"conv", "conv_bd:mb8ic30oc40ih80n\"layer2_bd\""},
    {"conv", "conv_bw:mb8ic30oc40ih80n\"layer2_bw\""},
    {"conv", "conv:mb8ic3oc80ih80n\"photo\""},
    {"conv", "conv:mb8ic23oc80ih75iw53n\"layer1_75x53\""},
    {"conv", "conv:mb2ic65oc256ih64kh5n\"frame_5x5\""},
    {"conv", "conv:mb2ic128oc256ih64kh3n\"frame_3x3\""},
    {"conv", "conv:mb2ic128oc256ih64kh1n\"frame_1x1\""},
    {"gates", "step:mb8ic3oc20ih80n\"step_layer1\""},
    {"gates", "step_b:mb8ic3oc20ih80n\"step_b_layer1\""},
    {"gates", "step:mb8ic20oc10ih80n\"step_layer2\""},
    {"gates", "step_b:mb8ic20oc10ih80n\"step_b_layer2\""},
    {"gates", "step:mb8ic3oc20ih75iw53n\"step_75x53\""},
    {"gates", "step:mb2ic1oc64ih64kh5n\"step_frame_5x5\""},
    {"gates", "step_b:mb2ic1oc64ih64kh5n\"step_b_frame_5x5\""},
    {"gates", "step:mb2ic64oc64ih64kh3n\"step_frame_3x3\""},
    {"gates", "step:mb2ic64oc64ih64kh1n\"step_frame_1x1\""},
    {"gates", "tanh:n65536n\"tanh\""},
    {"gates", "exp:n65536n\"exp\""},
    {"gates", "sigmoid:n65536n\"sigmoid\""},
    {"frames train", "frames:mb2t10n\"frames_b2\""},
    {"networks", "ucf50:mb1n\"ucf50_infer\""},
    {"networks", "ucf50:mb4train1n\"ucf50_train\""},
    {"networks", "anomaly:mb1n\"anomaly_infer\""},
    {"networks", "anomaly:mb2train1n\"anomaly_train\""},
    {"networks", "forecaster:mb1n\"forecaster_infer\""},
    {"networks", "forecaster:mb2train1n\"forecaster_train\""},
    {"networks", "two_ways:mb1n\"two_ways_infer\""},
    {"networks", "two_ways:mb4train1n\"two_ways_train\""},
    {"jpeg", "jpeg:n\"jpeg\""},
    {"jpeg", "jpeg:side1024n\"jpeg_half\""},
    {"jpeg", "jpeg:side512n\"jpeg_quarter\""},
    {"jpeg", "jpeg:side256n\"jpeg_eighth\""},
    {"photos photo_parts", "photo:ih480iw640n\"photo_0.3mp\""},
    {"photo_parts", "photo_decode:ih480iw640n\"decode_0.3mp\""},
    {"photo_parts", "photo_detect:ih480iw640n\"detect_0.3mp\""},
    {"photo_parts", "photo_crop:ih480iw640n\"crop_0.3mp\""},
    {"photos photo_parts", "photo:ih864iw1152n\"photo_1mp\""},
    {"photo_parts", "photo_decode:ih864iw1152n\"decode_1mp\""},
    {"photo_parts", "photo_detect:ih864iw1152n\"detect_1mp\""},
    {"photo_parts", "photo_crop:ih864iw1152n\"crop_1mp\""},
    {"photos photo_parts", "photo:ih1536iw2048n\"photo_3mp\""},
    {"photo_parts", "photo_decode:ih1536iw2048n\"decode_3mp\""},
    {"photo_parts", "photo_detect:ih1536iw2048n\"detect_3mp\""},
    {"photo_parts", "photo_crop:ih1536iw2048n\"crop_3mp\""},
    {"photos photo_parts", "photo:ih2124iw2832n\"photo_6mp\""},
    {"photo_parts", "photo_decode:ih2124iw2832n\"decode_6mp\""},
    {"photo_parts", "photo_detect:ih2124iw2832n\"detect_6mp\""},
    {"photo_parts", "photo_crop:ih2124iw2832n\"crop_6mp\""},
    {"photos photo_parts", "photo:ih3000iw4000n\"photo_12mp\""},
    {"photo_parts", "photo_decode:ih3000iw4000n\"decode_12mp\""},
    {"photo_parts", "photo_detect:ih3000iw4000n\"detect_12mp\""},
    {"photo_parts", "photo_crop:ih3000iw4000n\"crop_12mp\""},
    {"gemm", "gemm:m512n512k512n\"square\""},
    {"gemm", "gemm:m6400n80k207n\"layer1_patches\""},
    {"gemm", "gemm:m4096n256k1625n\"frame_5x5_patches\""},
    {"gemm", "gemm:m8n32k64000n\"dense\""},
};

/* Whether the list has the word. */
static bool among(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; (p = strstr(p, word)); p++)
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || !p[n])) return true;
    return false;
}

size_t descriptor_set(const char *set, descriptor *out, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < sizeof presets / sizeof *presets && n < room; i++) {
        if (!*set || !descriptor_parse(presets[i].text, &out[n])) continue;
        if (among(presets[i].sets, set) || !strcmp(out[n].name, set)) n++;
    }
    return n;
}

void bench_list(void)
{
    printf("Sets (--set NAME):\n");
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        printf("  %-14s %s\n", sets[i].name, sets[i].about);
    printf("\nProblems of the sets (--set NAME; any other is written as --help says):\n");
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        descriptor d;
        if (descriptor_parse(presets[i].text, &d))
            printf("  %-22s %-12s %-28s %s\n", d.name, descriptor_kind_name(d.kind), d.shape,
                   presets[i].sets);
    }
    printf("\nEngines (--engine NAME,...):\n");
    engines_list();
}
