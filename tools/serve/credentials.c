#include "credentials.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "fileio.h"

enum { MAX_TOKEN_FILE = 4096, LEAST_TOKEN = 16 };

static char *load_token(const char *path, nbase_error *err)
{
    char *token = file_read(path, MAX_TOKEN_FILE, NULL, err);
    if (!token) return NULL;
    token[strcspn(token, "\r\n")] = '\0';
    if (strlen(token) >= LEAST_TOKEN) return token;
    tool_fail(err, NBASE_ERR_FORMAT, "%s: the token must have at least %d characters", path,
              LEAST_TOKEN);
    free(token);
    return NULL;
}

credentials *credentials_load(const credential_files *files, nbase_error *err)
{
    credentials *c = calloc(1, sizeof *c);
    if (!c) {
        tool_no_memory(err);
        return NULL;
    }
    if (files->token) c->token = load_token(files->token, err);
    bool ok = c->token || !files->token;
    if (ok && files->certificate) {
        c->identity = tls_identity_load(files->certificate, files->key, err);
        ok = c->identity != NULL;
    }
    if (ok) return c;
    credentials_free(c);
    return NULL;
}

void credentials_free(credentials *c)
{
    if (!c) return;
    if (c->token) explicit_bzero(c->token, strlen(c->token));
    free(c->token);
    tls_identity_free(c->identity);
    free(c);
}

/* ---- the slot ---- */

void credential_slot_put(credential_slot *slot, credentials *c)
{
    pthread_mutex_lock(&slot->lock);
    c->previous = slot->current;
    slot->current = c;
    tls_identity_use(c->identity);
    pthread_mutex_unlock(&slot->lock);
}

static bool matches(const char *token, const char *header)
{
    static const char scheme[] = "Bearer ";
    if (!header || strncmp(header, scheme, sizeof scheme - 1) != 0) return false;
    const char *given = header + sizeof scheme - 1;
    size_t n = strlen(token), m = strlen(given);
    unsigned difference = n != m;
    for (size_t i = 0; i < m; i++)
        difference |= (unsigned char)given[i] ^ (unsigned char)token[i % n];
    return difference == 0;
}

bool credential_slot_accepts(credential_slot *slot, const char *header)
{
    pthread_mutex_lock(&slot->lock);
    const char *token = slot->current->token;
    bool ok = !token || matches(token, header);
    pthread_mutex_unlock(&slot->lock);
    return ok;
}

void credential_slot_clear(credential_slot *slot)
{
    tls_identity_use(NULL);
    for (credentials *c = slot->current, *next; c; c = next) {
        next = c->previous;
        credentials_free(c);
    }
    slot->current = NULL;
}
