/* s3_answer.h - what an answer of S3 says about an object and its bytes. */
#ifndef SKIN_S3_ANSWER_H
#define SKIN_S3_ANSWER_H

#include "aws.h"

/* Our own mark on objects: their SHA-256 in hexadecimal. Others write x-amz-meta-sha256, with
 * digests of all kinds; that name is never read. */
#define S3_MARK "x-amz-meta-skincredible-sha256"

/* Whether the bytes are those of the object: by the first of these that is there,
 *
 *   - x-amz-checksum-ALGORITHM of the whole object
 *   - our own mark
 *   - the ETag, where it is an MD5: that of a multipart upload ("...-3") is none, and neither is
 *     one of an object that is encrypted with a key of its own (SSE-KMS, SSE-C)
 *
 * Else by their number alone, which libcurl has compared with Content-Length. */
bool s3_intact(const aws_response *r, const void *data, size_t size);

/* Whether it is not S3 that answered, but something between that sends HTML, such as a proxy that
 * wants a login. */
bool s3_is_html(const aws_response *r);

/* Describes an answer that is no success: "WHERE: cannot VERB: HTTP 403 AccessDenied; ...".
 * Returns false. */
bool s3_explain(const aws_response *r, const char *where, const char *verb, nbase_error *err);

#endif
