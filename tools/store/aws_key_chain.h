/* aws_key_chain.h - where the keys are found by which requests to AWS are signed: the usual chain
 * of AWS's own tools. */
#ifndef SKIN_AWS_KEY_CHAIN_H
#define SKIN_AWS_KEY_CHAIN_H

#include "aws_config.h"
#include "aws_keys.h"
#include "web.h"

/* Tries, in this order:
 *
 *   - AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
 *   - AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN
 *   - the profile: role_arn with source_profile, credential_source or web_identity_token_file; its
 *     keys; credential_process
 *   - a container's: AWS_CONTAINER_CREDENTIALS_FULL_URI or _RELATIVE_URI
 *   - the machine's: EC2's metadata, version 2, unless AWS_EC2_METADATA_DISABLED is true
 *
 * A place that is set up and fails ends the search. False with an error; the caller frees *out with
 * aws_keys_free. */
bool aws_keys_find(web *w, const aws_config *config, aws_keys *out, nbase_error *err);

#endif
