/* camera.c - faces in a camera's buffer of BGR pixels with padded rows, and a crop of the largest:
 * camera WEIGHTS.safetensors < WIDTHxHEIGHT bytes of BGR; writes a PPM to stdout
 *
 * cc camera.c $(pkg-config --cflags --libs mtcnn) */
#include <mtcnn.h>
#include <stdio.h>
#include <stdlib.h>

enum { CROP = 96 };

int main(int argc, char **argv)
{
    size_t width = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
    size_t height = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    if (!width || !height || width > MTCNN_MAX_SIDE || height > MTCNN_MAX_SIDE)
        return fprintf(stderr, "usage: camera WEIGHTS WIDTH HEIGHT <frame.bgr >crop.ppm\n"), 2;

    size_t stride = (width * 3 + 63) / 64 * 64; /* as cameras pad their rows */
    uint8_t *buffer = calloc(height, stride);
    if (!buffer) return 1;
    for (size_t row = 0; row < height; row++)
        if (fread(buffer + row * stride, 3, width, stdin) != width)
            return fprintf(stderr, "the frame is cut short\n"), 1;

    nbase_error err;
    mtcnn_weights *weights;
    mtcnn_detector *detector;
    if (mtcnn_weights_load(NULL, argv[1], &weights, &err) ||
        mtcnn_detector_create(NULL, weights, NULL, &detector, &err))
        return fprintf(stderr, "%s\n", err.text), 1;

    /* The buffer is read in place. */
    const nbase_image frame = {buffer, width, height, stride, NBASE_BGR8};
    const mtcnn_face *faces;
    size_t count;
    if (mtcnn_detect(detector, &frame, &faces, &count))
        return fprintf(stderr, "%s\n", mtcnn_detector_error(detector)), 1;
    fprintf(stderr, "%zu faces\n", count);
    if (count) {
        const mtcnn_face *face = &faces[mtcnn_choose(faces, count, width, height, MTCNN_LARGEST)];
        static uint8_t crop[CROP * CROP * 3];
        mtcnn_crop_options options;
        mtcnn_crop_defaults(&options);
        options.size = CROP;
        options.mode = MTCNN_CROP_SQUARE;
        if (mtcnn_crop_face(detector, &frame, face, &options, crop))
            return fprintf(stderr, "%s\n", mtcnn_detector_error(detector)), 1;
        printf("P6\n%d %d\n255\n", CROP, CROP);
        fwrite(crop, 1, sizeof crop, stdout);
    }
    mtcnn_detector_free(detector);
    mtcnn_weights_free(weights);
    free(buffer);
    return count ? 0 : 3;
}
