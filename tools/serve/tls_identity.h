/* tls_identity.h - the certificate and key that the server shows. tls_identity.c is the one file of
 * the server that knows GnuTLS. */
#ifndef SERVE_TLS_IDENTITY_H
#define SERVE_TLS_IDENTITY_H

#include "nbase.h"

typedef struct tls_identity tls_identity;

/* What GnuTLS may speak. */
#define TLS_VERSIONS "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* From PEM files: a certificate chain, the server's own first, and its private key. Null on
 * failure: a file cannot be read, or they do not belong together. */
tls_identity *tls_identity_load(const char *certificate, const char *key, nbase_error *err);

/* No handshake may use it any more. Safe on null. */
void tls_identity_free(tls_identity *t);

/* Shows this one in all handshakes that begin from now on; null: none. GnuTLS's callback has no
 * context, so there is one for the whole process. */
void tls_identity_use(tls_identity *t);

/* What MHD_OPTION_HTTPS_CERT_CALLBACK wants. */
void *tls_identity_callback(void);

/* Sends a few bytes in a session (gnutls_session_t) to which no other thread writes. What cannot be
 * sent at once is lost. */
void tls_send(void *session, const char *bytes, size_t size);

#endif
