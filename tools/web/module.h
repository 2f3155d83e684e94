/* module.h - the calls of skin.wasm: what skin.mjs makes of them is described there.
 *
 * The module imports nothing, so that all it can do is compute. Everything goes through its memory:
 * the host asks for room (web_alloc), writes pictures and files into it, and reads the answers at
 * the addresses that the calls return, which hold until the next call with the same handle. Null or
 * a negative number is a failure: web_error has its text. One thread calls; with
 * skin-threads.wasm, whose memory the host makes, others help (base/threads_wasm.c).
 *
 * The same calls are in the native build, for tests. */
#ifndef SKIN_WEB_MODULE_H
#define SKIN_WEB_MODULE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __wasm__
#define WEB_CALL(name) __attribute__((export_name(#name)))
#else
#define WEB_CALL(name)
#endif

/* ---- memory and errors ---- */

WEB_CALL(web_alloc) void *web_alloc(size_t bytes); /* null: out of memory */
WEB_CALL(web_free) void web_free(void *p);
WEB_CALL(web_error) const char *web_error(void); /* the text of the last failure */
WEB_CALL(web_version) const char *web_version(void);

/* ---- faces ---- */

typedef struct web_detector web_detector;

/* From the bytes of mtcnn.safetensors, which are not needed afterwards. min_face: pixels, 0 for the
 * default; max_side: larger pictures are searched at this size, 0 for none. */
WEB_CALL(web_detector_create)
web_detector *web_detector_create(const void *bytes, size_t size, double min_face, size_t max_side);
WEB_CALL(web_detector_free) void web_detector_free(web_detector *d);

/* Finds the faces of a canvas's pixels (height,width,4). Their number. */
WEB_CALL(web_detector_run)
int web_detector_run(web_detector *d, const uint8_t *rgba, size_t width, size_t height);

/* The quarter turns that stood the faces upright, in degrees to the right; the index of the face
 * that a person's photo is about. */
WEB_CALL(web_detector_rotation) int web_detector_rotation(const web_detector *d);
WEB_CALL(web_detector_chosen) size_t web_detector_chosen(const web_detector *d);

/* Face i as WEB_FACE numbers: corners x1, y1, x2, y2; score; the whole-numbered box x, y, width,
 * height; x, y of five landmarks. In pixels of the turned picture. */
enum { WEB_FACE = 19 };
WEB_CALL(web_detector_face) const float *web_detector_face(web_detector *d, size_t i);

/* Face i cut out, (side,side,3), from the picture of the last run. */
WEB_CALL(web_detector_crop)
const uint8_t *web_detector_crop(web_detector *d, size_t i, size_t side);

/* ---- networks ---- */

typedef struct web_model web_model;

/* From the bytes of a model file, which are not needed afterwards. */
WEB_CALL(web_model_create) web_model *web_model_create(const void *bytes, size_t size);
WEB_CALL(web_model_free) void web_model_free(web_model *m);

/* height, width, channels, numbers that it gives for a sequence (0: it gives frames), parameters,
 * whether it takes images of any size, whether it judges people. */
enum { WEB_MODEL_INFO = 7 };
WEB_CALL(web_model_info) const uint32_t *web_model_info(web_model *m);
WEB_CALL(web_model_label) const char *web_model_label(const web_model *m, size_t k);
/* A text of the file's metadata, or null. The file's name: 16 digits of a hash of its bytes. */
WEB_CALL(web_model_meta) const char *web_model_meta(const web_model *m, const char *key);
WEB_CALL(web_model_id) const char *web_model_id(const web_model *m);

/* Calibration and promise as the file's metadata have them (score/calibration.h,
 * score/conformal.h); without these calls there are none. The evidence rises. */
WEB_CALL(web_model_calibrate)
int web_model_calibrate(web_model *m, double slope, double offset, size_t people);
WEB_CALL(web_model_promise)
int web_model_promise(web_model *m, const double *deteriorated, size_t deteriorated_count,
                      const double *improved, size_t improved_count);

/* What the network gives for frames of 8-bit colours (frames,height,width,channels), resized to the
 * size that it was trained on. mask: null, or 0 for frames that are to be left out. */
WEB_CALL(web_model_predict)
const float *web_model_predict(web_model *m, const uint8_t *frames, const uint8_t *mask,
                               size_t count, size_t height, size_t width);

/* ---- a person's photos: what skin-serve's /v1/analyze does ---- */

typedef struct web_analysis web_analysis;

/* Of `photos` photos. Detector and model must outlive it; the model judges people. */
WEB_CALL(web_analysis_create)
web_analysis *web_analysis_create(web_detector *d, web_model *m, size_t photos);
WEB_CALL(web_analysis_free) void web_analysis_free(web_analysis *a);

/* Photo i, pixels as for web_detector_run. How many faces it has. */
WEB_CALL(web_analysis_photo)
int web_analysis_photo(web_analysis *a, size_t i, const uint8_t *rgba, size_t width, size_t height);

/* After the last photo: how many can be used. */
WEB_CALL(web_analysis_judge) int web_analysis_judge(web_analysis *a);

/* What is known of photo i, as WEB_PHOTO numbers: whether there is a face; bits of why it is not
 * used (photos/quality.h), 0: it is used; width, height, rotation; box x, y, width, height; score;
 * ten coordinates of landmarks; the eight measures of quality. */
enum { WEB_PHOTO = 28 };
WEB_CALL(web_analysis_about) const float *web_analysis_about(web_analysis *a, size_t i);

/* WEB_VERDICT numbers: probability that the skin improved; the outputs for deteriorated and
 * improved; the more probable class; what is promised at this coverage (0 deteriorated, 1 improved,
 * 2 unsure), -1: the model promises nothing. */
enum { WEB_VERDICT = 5 };
WEB_CALL(web_analysis_verdict)
const double *web_analysis_verdict(web_analysis *a, double coverage);

/* What would have been said after each photo, had there been no others behind it: a probability for
 * each photo, NaN for one that is not used. After the verdict. Null and no error text: the network
 * cannot be asked before the last photo. */
WEB_CALL(web_analysis_course) const double *web_analysis_course(web_analysis *a);

/* Judges the next variants of the sequence (score/explain.h). How many of them are left. */
WEB_CALL(web_analysis_explain) int web_analysis_explain(web_analysis *a, size_t batch);

/* When none is left: the least and the greatest probability without any one of the photos, the
 * effects of the photos, and of the regions by rows. */
WEB_CALL(web_analysis_effects) const double *web_analysis_effects(web_analysis *a);

#endif
