/* aws_profile.h - the files in which AWS's tools keep credentials and settings. */
#ifndef SKIN_AWS_PROFILE_H
#define SKIN_AWS_PROFILE_H

#include <stdbool.h>

/* The value of an environment variable; null if it is not set or empty. */
const char *aws_variable(const char *name);

/* Whether a variable says yes: 1, true or yes. */
bool aws_variable_on(const char *name);

/* The profile that is in use: AWS_PROFILE, AWS_DEFAULT_PROFILE, or "default". */
const char *aws_profile_name(void);

/* A setting of a profile: from AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials), section [PROFILE],
 * else from AWS_CONFIG_FILE (~/.aws/config), section [profile PROFILE] or [default]. Null if it is
 * in neither; the caller frees it with free(). */
char *aws_profile_value(const char *profile, const char *key);

/* A setting of one service, "s3" and "endpoint_url": from the section [services NAME] that the
 * profile names by `services = NAME`, where it stands indented below "s3 =". */
char *aws_profile_service_value(const char *profile, const char *service, const char *key);

#endif
