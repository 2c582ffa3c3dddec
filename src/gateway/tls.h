/* TLS for callers: certificate, key and authorities from files, read again when they change. Open connections keep what
 * they have. With listen.c the only home of <gnutls/…>. */
#ifndef GATEWAY_TLS_H
#define GATEWAY_TLS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "aip/error.h"

/* TLS 1.2 with forward secrecy and authenticated ciphers, and 1.3. */
#define TLS_PRIORITIES                                                                                \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-CIPHER-ALL:+AES-256-GCM:+AES-128-GCM:" \
    "+CHACHA20-POLY1305:-MAC-ALL:+AEAD:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"   \
    "%SERVER_PRECEDENCE"

typedef struct tls_keeper tls_keeper;

typedef struct {
    const char *certificate, *key, *client_ca; /* PEM; client_ca: NULL, or callers need a certificate of these */
} tls_files;

/* Errors: config.invalid (with the file and why), memory. */
AIP_MUST_CHECK aip_status tls_open(const tls_files *files, tls_keeper **out, aip_error *err);
void tls_close(tls_keeper **t); /* after all connections */

/* Reads the files again if they changed, or were not good the last time; then what was in force stays. Not for shards.
 * Errors: as tls_open. */
AIP_MUST_CHECK aip_status tls_look(tls_keeper *t, aip_error *err);

/* Lets the caller resume its session later without proving and signing again: for a new connection, before its
 * handshake. Not where callers need a certificate, which is judged at each. Thread-safe. */
void tls_offer_resumption(tls_keeper *t, gnutls_session_t session);
/* What is in force, for a handshake: 0, or -1. Asks the caller for a certificate where there are authorities for one.
 * Thread-safe. */
int tls_choose(tls_keeper *t, gnutls_session_t session, gnutls_pcert_st **certificates, unsigned *count,
               gnutls_privkey_t *key);
/* Judges the caller's certificate: 0, or -1. Thread-safe. */
int tls_judge_peer(tls_keeper *t, gnutls_session_t session);
bool tls_asks(const tls_keeper *t); /* for certificates of callers? */

#endif
