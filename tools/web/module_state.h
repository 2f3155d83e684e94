/* module_state.h - what the handles of module.h hold, and their last failure. */
#ifndef SKIN_WEB_MODULE_STATE_H
#define SKIN_WEB_MODULE_STATE_H

#include "convlstm.h"
#include "module.h"
#include "photos/extract.h"
#include "score/calibration.h"
#include "score/conformal.h"

struct web_detector {
    mtcnn_weights *weights;
    extractor *extractor;
    picture picture; /* of the last run */
    extract_result found;
    float face[WEB_FACE];
    uint8_t *crop;
};

struct web_model {
    convlstm_model *model;
    convlstm_session *session;
    convlstm_model_info info;
    nbase_archive *file; /* its metadata */
    char id[17];
    uint32_t numbers[WEB_MODEL_INFO];
    calibration calibration;
    conformal promise;
    float *out;
};

/* The last failure, for web_error. */
extern nbase_error web_failure;

/* The pixels of a canvas without their opacity; the caller frees them with picture_free. False:
 * there are none, or there is no memory. */
bool web_picture(const uint8_t *rgba, size_t width, size_t height, picture *out);

#endif
