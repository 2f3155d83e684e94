#include "tls_identity.h"

#ifdef HAVE_MICROHTTPD
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "fileio.h"

enum { MAX_CHAIN = 16, MAX_FILE = 1 << 20, KEY_ID = 64 };

struct tls_identity {
    gnutls_pcert_st chain[MAX_CHAIN];
    unsigned length; /* certificates in the chain */
    gnutls_privkey_t key;
};

static _Atomic(tls_identity *) in_use;

/* ---- from files ---- */

static bool import_chain(tls_identity *t, const char *path, nbase_error *err)
{
    size_t size = 0;
    char *text = file_read(path, MAX_FILE, &size, err);
    if (!text) return false;
    gnutls_datum_t pem = {(unsigned char *)text, (unsigned)size};
    unsigned length = MAX_CHAIN;
    int code = gnutls_pcert_list_import_x509_raw(t->chain, &length, &pem, GNUTLS_X509_FMT_PEM, 0);
    free(text);
    if (code < 0)
        return tool_fail(err, NBASE_ERR_FORMAT, "%s: no certificate chain in PEM form (%s)", path,
                         gnutls_strerror(code));
    t->length = length;
    return true;
}

static bool import_key(tls_identity *t, const char *path, nbase_error *err)
{
    size_t size = 0;
    char *text = file_read(path, MAX_FILE, &size, err);
    if (!text) return false;
    gnutls_datum_t pem = {(unsigned char *)text, (unsigned)size};
    int code = gnutls_privkey_init(&t->key);
    if (code == 0)
        code = gnutls_privkey_import_x509_raw(t->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    explicit_bzero(text, size);
    free(text);
    return code == 0 || tool_fail(err, NBASE_ERR_FORMAT, "%s: no private key in PEM form (%s)",
                                  path, gnutls_strerror(code));
}

/* Whether the key is that of the first certificate. */
static bool belong_together(const tls_identity *t)
{
    unsigned char a[KEY_ID], b[KEY_ID];
    size_t a_size = sizeof a, b_size = sizeof b;
    gnutls_pubkey_t public;
    if (gnutls_pubkey_init(&public) != 0) return false;
    bool same = gnutls_pubkey_import_privkey(public, t->key, 0, 0) == 0 &&
                gnutls_pubkey_get_key_id(public, 0, a, &a_size) == 0 &&
                gnutls_pubkey_get_key_id(t->chain[0].pubkey, 0, b, &b_size) == 0 &&
                a_size == b_size && memcmp(a, b, a_size) == 0;
    gnutls_pubkey_deinit(public);
    return same;
}

tls_identity *tls_identity_load(const char *certificate, const char *key, nbase_error *err)
{
    tls_identity *t = calloc(1, sizeof *t);
    if (!t) {
        tool_no_memory(err);
        return NULL;
    }
    bool ok = import_chain(t, certificate, err) && import_key(t, key, err);
    if (ok && !belong_together(t))
        ok = tool_fail(err, NBASE_ERR_FORMAT, "%s is not the key of the certificate %s", key,
                       certificate);
    if (ok) return t;
    tls_identity_free(t);
    return NULL;
}

void tls_identity_free(tls_identity *t)
{
    if (!t) return;
    for (unsigned i = 0; i < t->length; i++) gnutls_pcert_deinit(&t->chain[i]);
    if (t->key) gnutls_privkey_deinit(t->key);
    free(t);
}

/* ---- in handshakes ---- */

void tls_identity_use(tls_identity *t) { atomic_store(&in_use, t); }

static int choose(gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
                  const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                  gnutls_pcert_st **chain, unsigned *length, gnutls_privkey_t *key)
{
    (void)session, (void)authorities, (void)authority_count, (void)algorithms,
        (void)algorithm_count;
    tls_identity *t = atomic_load(&in_use);
    if (!t) return -1;
    *chain = t->chain;
    *length = t->length;
    *key = t->key;
    return 0;
}

void *tls_identity_callback(void)
{
    gnutls_certificate_retrieve_function2 *callback = choose;
    void *pointer;
    memcpy(&pointer, &callback, sizeof pointer);
    return pointer;
}

void tls_send(void *session, const char *bytes, size_t size)
{
    /* The next read or write of the session shows what was wrong. */
    if (gnutls_record_send(session, bytes, size) < 0) return;
}

#else
#include "fail.h"

tls_identity *tls_identity_load(const char *certificate, const char *key, nbase_error *err)
{
    (void)key;
    tool_fail(err, NBASE_ERR_UNSUPPORTED, "%s: this build has no HTTP server", certificate);
    return NULL;
}

void tls_identity_free(tls_identity *t) { (void)t; }

void tls_identity_use(tls_identity *t) { (void)t; }

void *tls_identity_callback(void) { return NULL; }

void tls_send(void *session, const char *bytes, size_t size)
{
    (void)session, (void)bytes, (void)size;
}
#endif
