/* The only file that includes libjpeg-turbo. */
#include "images_jpeg.h"

#include <stdlib.h>
#include <string.h>

#ifdef HAVE_JPEG_TURBO
#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

bool jpeg_turbo_used(void)
{
    const char *wish = getenv("SKIN_JPEG");
    return !wish || strcmp(wish, "stb");
}

typedef struct failure {
    struct jpeg_error_mgr base; /* first */
    jmp_buf where;
} failure;

static void give_up(j_common_ptr c)
{
    failure *f = (failure *)c->err;
    longjmp(f->where, 1);
}

/* Warnings are counted by the base and looked at in the end; nothing is printed. */
static void say_nothing(j_common_ptr c) { (void)c; }

/* Everything after the header; *pixels is the caller's also when this fails or jumps. */
static bool decode(struct jpeg_decompress_struct *c, unsigned divisor, uint8_t *volatile *pixels)
{
    if (jpeg_read_header(c, TRUE) != JPEG_HEADER_OK ||
        (c->num_components != 1 && c->num_components != 3))
        return false;
    c->out_color_space = JCS_RGB;
    c->scale_num = 1;
    c->scale_denom = divisor;
    jpeg_start_decompress(c);
    size_t row = (size_t)c->output_width * 3;
    *pixels = malloc(row * c->output_height);
    while (*pixels && c->output_scanline < c->output_height) {
        JSAMPROW at = *pixels + c->output_scanline * row;
        jpeg_read_scanlines(c, &at, 1);
    }
    if (!*pixels) return false;
    jpeg_finish_decompress(c);
    return c->err->num_warnings == 0;
}

uint8_t *jpeg_turbo_decode(const uint8_t *bytes, size_t size, unsigned divisor, size_t *width,
                           size_t *height)
{
    struct jpeg_decompress_struct c;
    failure f;
    uint8_t *volatile pixels = NULL; /* lives across a jump */
    volatile bool ok = false;
    c.err = jpeg_std_error(&f.base);
    f.base.error_exit = give_up;
    f.base.output_message = say_nothing;
    if (!setjmp(f.where)) {
        jpeg_create_decompress(&c);
        jpeg_mem_src(&c, bytes, size);
        ok = decode(&c, divisor, &pixels);
        *width = c.output_width;
        *height = c.output_height;
    }
    jpeg_destroy_decompress(&c);
    if (ok) return pixels;
    free(pixels);
    return NULL;
}
#else
bool jpeg_turbo_used(void) { return false; }

uint8_t *jpeg_turbo_decode(const uint8_t *bytes, size_t size, unsigned divisor, size_t *width,
                           size_t *height)
{
    (void)bytes, (void)size, (void)divisor, (void)width, (void)height;
    return NULL;
}
#endif
