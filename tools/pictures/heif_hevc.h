/* heif_hevc.h - libde265 for libheif without threads. libheif's own plugin starts one for each
 * picture, which a process behind a fence may not. */
#ifndef SKIN_PICTURES_HEIF_HEVC_H
#define SKIN_PICTURES_HEIF_HEVC_H

/* The name by which heif_decoding_options chooses it. */
#define HEIF_HEVC_NAME "skin-libde265"

/* Registers it with libheif, behind libheif's own, which are loaded before. */
void heif_hevc_register(void);

#endif
