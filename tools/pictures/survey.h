/* survey.h - container_survey by format. All fill *out, whose `format` is set and whose marks are
 * empty, and fail as container_survey does. */
#ifndef SKIN_PICTURES_SURVEY_H
#define SKIN_PICTURES_SURVEY_H

#include "container.h"

bool survey_jpeg(const uint8_t *bytes, size_t size, container *out, nbase_error *err);
bool survey_png(const uint8_t *bytes, size_t size, container *out, nbase_error *err);
bool survey_webp(const uint8_t *bytes, size_t size, container *out, nbase_error *err);
bool survey_heif(const uint8_t *bytes, size_t size, container *out, nbase_error *err);

#endif
