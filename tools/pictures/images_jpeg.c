/* The only file that includes libjpeg-turbo. */
#include "images_jpeg.h"

#include "fail.h"
#include "jpeg_segments.h"
#include "pixel_memory.h"

#ifdef HAVE_JPEG_TURBO
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

bool jpeg_turbo_used(void)
{
    const char *wish = getenv("SKIN_JPEG");
    return !wish || strcmp(wish, "stb");
}

/* ---- what goes wrong on the way ---- */

/* Where the picture's data stop to be a picture. libjpeg fills what is missing with grey, or with
 * what garbage means, and only warns. */
typedef enum fault_kind { FAULT_NONE, FAULT_MISSING, FAULT_GARBAGE } fault_kind;

typedef struct decoding {
    struct jpeg_error_mgr errors;     /* first: libjpeg hands this back */
    struct jpeg_progress_mgr monitor; /* called once for each row of blocks */
    struct jpeg_source_mgr source;
    const uint8_t *offered, *file_end; /* the part of the file that the source has handed out */
    bool careful;
    struct jpeg_decompress_struct c;
    jmp_buf failed;
    const jpeg_parts *parts;
    uint8_t *pixels, *room;
    bool borrowed;                  /* pixels is room */
    const uint8_t *data, *data_end; /* without the end mark */
    size_t zeros;                   /* with which the data end, if they are many */
    fault_kind fault;
    unsigned fault_row, fault_scan; /* rows of blocks, counted from 0; scans from 1 */
    bool entered_zeros;
    unsigned zeros_row;
    bool junk; /* bytes that belong to nothing were skipped */
} decoding;

static decoding *of(j_common_ptr c) { return (decoding *)c->err; }

static void give_up(j_common_ptr c) { longjmp(of(c)->failed, 1); }

static void say_nothing(j_common_ptr c) { (void)c; }

static void note_fault(decoding *d, fault_kind fault)
{
    if (d->fault) return;
    d->fault = fault;
    d->fault_row = d->c.input_iMCU_row;
    d->fault_scan = (unsigned)d->c.input_scan_number;
}

/* A warning has level -1, and its meaning is a code. */
static void hear(j_common_ptr c, int level)
{
    decoding *d = of(c);
    if (level >= 0 || !c->is_decompressor) return;
    c->err->num_warnings++;
    switch (c->err->msg_code) {
    case JWRN_HIT_MARKER: note_fault(d, FAULT_MISSING); break;
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC: note_fault(d, FAULT_GARBAGE); break;
    case JWRN_EXTRANEOUS_DATA: d->junk = true; break;
    default: break; /* of the end mark, and of headers that nothing depends on */
    }
}

/* Bits that libjpeg has taken ahead of the pixels, in bytes and more. */
enum { AHEAD = 16 };

/* ---- where the bytes come from ---- */

/* Between the parts of a buffer that is this small libjpeg-turbo decodes the careful way: the fast
 * one takes what is no Huffman code for a zero, without a warning. */
enum { CAREFUL = 256 };

static const JOCTET end_mark[] = {0xFF, JPEG_EOI};

static void offer(decoding *d, const uint8_t *at)
{
    size_t rest = (size_t)(d->file_end - at);
    d->source.next_input_byte = at;
    d->source.bytes_in_buffer = d->careful && rest > CAREFUL ? CAREFUL : rest;
    d->offered = at + d->source.bytes_in_buffer;
}

static void source_begin(j_decompress_ptr c) { (void)c; }

/* The next part; behind the last one end marks, for ever. */
static boolean source_more(j_decompress_ptr c)
{
    decoding *d = of((j_common_ptr)c);
    if (d->offered < d->file_end) {
        offer(d, d->offered);
    } else {
        d->source.next_input_byte = end_mark;
        d->source.bytes_in_buffer = sizeof end_mark;
    }
    return TRUE;
}

static void source_skip(j_decompress_ptr c, long count)
{
    decoding *d = of((j_common_ptr)c);
    while (count > (long)d->source.bytes_in_buffer && d->source.next_input_byte != end_mark) {
        count -= (long)d->source.bytes_in_buffer;
        source_more(c);
    }
    size_t skipped = count < (long)d->source.bytes_in_buffer ? (size_t)count : 0;
    d->source.next_input_byte += skipped;
    d->source.bytes_in_buffer -= skipped;
}

static void source_end(j_decompress_ptr c) { (void)c; }

static void open_source(decoding *d, const uint8_t *bytes)
{
    d->source = (struct jpeg_source_mgr){.init_source = source_begin,
                                         .fill_input_buffer = source_more,
                                         .skip_input_data = source_skip,
                                         .resync_to_restart = jpeg_resync_to_restart,
                                         .term_source = source_end};
    d->file_end = bytes + d->parts->end;
    offer(d, bytes + d->parts->begin);
    d->c.src = &d->source;
}

/* ---- where they stop to be a picture ---- */

/* Bytes of the data that the decoder has not reached; 0 if it reads the end mark that libjpeg makes
 * up where there is none. */
static size_t left_over(const decoding *d)
{
    const uint8_t *at = d->c.src->next_input_byte;
    return at >= d->data && at < d->data_end ? (size_t)(d->data_end - at) : 0;
}

static void watch(j_common_ptr c)
{
    decoding *d = of(c);
    if (d->entered_zeros || left_over(d) + AHEAD >= d->zeros) return;
    d->entered_zeros = true;
    d->zeros_row = d->c.input_iMCU_row;
}

/* A download that broke off may be filled up with zeros. They mean something, too: a picture that
 * is finished in the middle of them was made of them from where they began. */
static void judge_zeros(decoding *d)
{
    if (!d->entered_zeros || (left_over(d) <= AHEAD && !d->fault)) return;
    d->fault = FAULT_MISSING;
    d->fault_row = d->zeros_row;
    d->fault_scan = (unsigned)d->c.input_scan_number;
}

/* Without an end mark a progressive picture may lack whole scans: then some coefficient has never
 * come, or not with all its bits. */
static void judge_scans(decoding *d)
{
    if (d->parts->ended || !d->c.coef_bits) return;
    for (int i = 0; i < d->c.num_components; i++)
        for (int k = 0; k < DCTSIZE2; k++)
            if (d->c.coef_bits[i][k] != 0) {
                note_fault(d, FAULT_MISSING);
                d->fault_row = 0;
                d->fault_scan++;
                return;
            }
}

/* ---- decoding ---- */

static void find_data(decoding *d, const uint8_t *bytes)
{
    enum { MANY = 64, END_MARK = 2 };
    d->data = bytes + d->parts->begin;
    d->data_end = bytes + d->parts->end - (d->parts->ended ? END_MARK : 0);
    const uint8_t *begin = d->data_end;
    while (begin > d->data && !begin[-1]) begin--;
    d->zeros = d->data_end - begin >= MANY ? (size_t)(d->data_end - begin) : 0;
}

/* Everything after the header. */
static bool decode(decoding *d, unsigned divisor, nbase_error *err)
{
    struct jpeg_decompress_struct *c = &d->c;
    jpeg_read_header(c, TRUE);
    if (c->num_components != 1 && c->num_components != 3 && c->num_components != 4)
        return tool_fail(err, NBASE_ERR_UNSUPPORTED,
                         "a JPEG of %d components, which is not read; save it in colours or grey",
                         c->num_components);
    c->out_color_space = c->num_components == 4 ? JCS_CMYK : JCS_RGB;
    c->scale_num = 1;
    c->scale_denom = divisor;
    jpeg_start_decompress(c);
    size_t row = (size_t)c->output_width * (size_t)c->output_components;
    d->borrowed = d->room && c->output_components == 3;
    d->pixels = d->borrowed ? d->room : pixel_memory(row * c->output_height);
    while (d->pixels && c->output_scanline < c->output_height) {
        JSAMPROW at = d->pixels + c->output_scanline * row;
        jpeg_read_scanlines(c, &at, 1);
    }
    if (!d->pixels) return tool_no_memory(err);
    judge_zeros(d);
    judge_scans(d);
    d->junk |= left_over(d) > AHEAD;
    return true;
}

static bool start(decoding *d, const uint8_t *bytes, unsigned divisor, nbase_error *err)
{
    d->c.err = jpeg_std_error(&d->errors);
    d->errors.error_exit = give_up;
    d->errors.output_message = say_nothing;
    d->errors.emit_message = hear;
    d->monitor.progress_monitor = watch;
    if (setjmp(d->failed)) {
        char why[JMSG_LENGTH_MAX];
        if (d->errors.msg_code == JERR_OUT_OF_MEMORY) return tool_no_memory(err);
        d->errors.format_message((j_common_ptr)&d->c, why);
        return tool_fail(err, NBASE_ERR_FORMAT, "the picture cannot be decoded: %s", why);
    }
    jpeg_create_decompress(&d->c);
    d->c.progress = &d->monitor;
    open_source(d, bytes);
    return decode(d, divisor, err);
}

/* Refuses what is not all there. `rows` of blocks make up the picture. */
static bool judge(const decoding *d, nbase_error *err)
{
    if (!d->fault) return true;
    unsigned rows = d->c.total_iMCU_rows, lost = rows - (d->fault_row < rows ? d->fault_row : rows);
    unsigned percent = (100 * lost + rows - 1) / rows;
    char scan[40] = "";
    if (d->parts->progressive) snprintf(scan, sizeof scan, " (in scan %u)", d->fault_scan);
    if (d->fault == FAULT_GARBAGE)
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "damaged JPEG: %u %% of its rows make no sense, or are missing%s", percent,
                         scan);
    return tool_fail(err, NBASE_ERR_FORMAT, "truncated JPEG: %u %% of its rows are missing%s",
                     percent, scan);
}

static void write_note(const decoding *d, char note[PICTURE_NOTE])
{
    const jpeg_parts *parts = d->parts;
    snprintf(note, PICTURE_NOTE, "%s%s%s%s", parts->two_starts ? ", a second start mark" : "",
             parts->standard_tables ? ", no Huffman tables (those of the standard are used)" : "",
             parts->ended ? "" : ", no end mark", d->junk ? ", bytes of no meaning" : "");
    if (note[0]) memmove(note, note + 2, strlen(note + 2) + 1);
}

/* Decodes once. *junk: bytes of no meaning were skipped, or are left over. */
static bool attempt(const uint8_t *bytes, const container *c, unsigned divisor, uint8_t *room,
                    bool careful, bool *junk, stored_picture *out, nbase_error *err)
{
    decoding *d = calloc(1, sizeof *d); /* not on the stack: it must survive the jump */
    if (!d) return tool_no_memory(err);
    d->parts = &c->jpeg;
    d->careful = careful;
    d->room = room;
    find_data(d, bytes);
    bool ok = start(d, bytes, divisor, err) && judge(d, err);
    *junk = d->junk;
    if (ok) {
        *out = (stored_picture){.pixels = d->pixels,
                                .borrowed = d->borrowed,
                                .width = d->c.output_width,
                                .height = d->c.output_height,
                                .channels = d->c.output_components,
                                .divisor = divisor,
                                .grey = d->c.num_components == 1};
        write_note(d, out->note);
    } else if (!d->borrowed) {
        free(d->pixels);
    }
    jpeg_destroy_decompress(&d->c);
    free(d);
    return ok;
}

bool jpeg_turbo_decode(const uint8_t *bytes, const container *c, unsigned divisor, uint8_t *room,
                       stored_picture *out, nbase_error *err)
{
    bool junk;
    *out = (stored_picture){0};
    if (!attempt(bytes, c, divisor, room, false, &junk, out, err)) return false;
    if (!junk) return true;
    /* what is left over may be the picture, of which garbage was decoded instead */
    stored_picture_free(out);
    return attempt(bytes, c, divisor, room, true, &junk, out, err);
}
#else
bool jpeg_turbo_used(void) { return false; }

bool jpeg_turbo_decode(const uint8_t *bytes, const container *c, unsigned divisor, uint8_t *room,
                       stored_picture *out, nbase_error *err)
{
    (void)bytes, (void)c, (void)divisor, (void)room;
    *out = (stored_picture){0};
    return tool_fail(err, NBASE_ERR_UNSUPPORTED, "built without libjpeg-turbo");
}
#endif
