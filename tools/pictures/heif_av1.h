/* heif_av1.h - libaom for libheif. libheif 1.15 repeats samples of colour that are stored at half
 * the size, where browsers and Pillow blend them: up to 20 levels between the two. */
#ifndef SKIN_PICTURES_HEIF_AV1_H
#define SKIN_PICTURES_HEIF_AV1_H

/* The name by which heif_decoding_options chooses it. */
#define HEIF_AV1_NAME "skin-aom"

/* Registers it with libheif, behind libheif's own, which are loaded before. Built without libaom
 * there is nothing to register, and libheif's choice decodes. */
void heif_av1_register(void);

#endif
