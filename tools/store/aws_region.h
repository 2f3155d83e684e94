/* aws_region.h - where an answer of S3 sends its client: to the region of the bucket. */
#ifndef SKIN_AWS_REGION_H
#define SKIN_AWS_REGION_H

#include "aws_config.h"
#include "web.h"

/* Whether the answer says that the bucket is in another region than `used`, which goes to `region`:
 * 301 PermanentRedirect, 307 TemporaryRedirect, 400 AuthorizationHeaderMalformed and the like, by
 * x-amz-bucket-region, <Region>, or the name of the endpoint. */
bool aws_region_moved(const web_answer *a, const char *used, char region[AWS_REGION_SIZE]);

#endif
