/* credentials.h - the token that clients must show, and the certificate that the server shows: read
 * at the start and exchanged while requests are answered (SIGHUP). */
#ifndef SERVE_CREDENTIALS_H
#define SERVE_CREDENTIALS_H

#include <pthread.h>
#include <stdbool.h>

#include "nbase.h"
#include "tls_identity.h"

/* Paths; each may be null. Certificate and key go together. */
typedef struct credential_files {
    const char *token, *certificate, *key;
} credential_files;

typedef struct credentials credentials;
struct credentials {
    char *token;            /* null: none is asked for */
    tls_identity *identity; /* null: plain HTTP */
    credentials *previous;  /* of a slot: kept, since a handshake may still use them */
};

/* Null on failure. The token is the first line of its file. */
credentials *credentials_load(const credential_files *files, nbase_error *err);
void credentials_free(credentials *c);

typedef struct credential_slot {
    pthread_mutex_t lock;
    credentials *current;
} credential_slot;

/* Puts them into service; the slot frees them at its end. */
void credential_slot_put(credential_slot *slot, credentials *c);

/* Whether the header Authorization, or null, carries the token, if one is asked for. The time of
 * the comparison depends on the lengths alone. Any thread may ask. */
bool credential_slot_accepts(credential_slot *slot, const char *header);

/* No connection may be left. */
void credential_slot_clear(credential_slot *slot);

#endif
