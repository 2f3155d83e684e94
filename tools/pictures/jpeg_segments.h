/* jpeg_segments.h - the markers of a JPEG (ITU-T T.81, B.1.1). */
#ifndef SKIN_PICTURES_JPEG_SEGMENTS_H
#define SKIN_PICTURES_JPEG_SEGMENTS_H

#include <stddef.h>
#include <stdint.h>

enum jpeg_marker {
    JPEG_TEM = 0x01,
    JPEG_SOF0 = 0xC0,  /* frame headers: the kind of JPEG */
    JPEG_SOF15 = 0xCF, /* without the three that follow */
    JPEG_DHT = 0xC4,   /* Huffman tables */
    JPEG_JPG = 0xC8,
    JPEG_DAC = 0xCC,
    JPEG_RST0 = 0xD0, /* restart */
    JPEG_RST7 = 0xD7,
    JPEG_SOI = 0xD8, /* start */
    JPEG_EOI = 0xD9, /* end */
    JPEG_SOS = 0xDA, /* a scan */
    JPEG_DQT = 0xDB, /* quantisation tables */
    JPEG_APP1 = 0xE1,
    JPEG_APP2 = 0xE2
};

/* Position of the next marker's 0xFF at or after `at`, or `size`. Inside a scan a 0xFF that belongs
 * to the data is followed by 0, and restart markers don't end it; between segments there should be
 * nothing to skip, but some cameras leave zeros there. */
size_t jpeg_next_marker(const uint8_t *bytes, size_t size, size_t at);

/* Bytes of the segment whose marker stands at `at`, the marker included; 0 if it does not fit. */
size_t jpeg_segment_size(const uint8_t *bytes, size_t size, size_t at);

#endif
