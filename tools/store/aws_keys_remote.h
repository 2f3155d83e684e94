/* aws_keys_remote.h - keys that a service lends for some hours: AWS's token service (STS), a
 * container's agent, a machine's metadata. */
#ifndef SKIN_AWS_KEYS_REMOTE_H
#define SKIN_AWS_KEYS_REMOTE_H

#include "aws_config.h"
#include "aws_keys.h"
#include "web.h"

/* A role that is to be taken on. Null: not given. */
typedef struct aws_role {
    const char *arn, *session_name, *external_id;
    const char *token_file; /* of the web identity; null: signed with `source` */
    const aws_keys *source;
} aws_role;

keys_result aws_keys_of_role(web *w, const aws_config *config, const aws_role *role, aws_keys *out,
                             nbase_error *err);
keys_result aws_keys_of_container(web *w, aws_keys *out, nbase_error *err);
keys_result aws_keys_of_machine(web *w, aws_keys *out, nbase_error *err);

#endif
