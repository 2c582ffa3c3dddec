/* One set of keys is in force at a time; replaced ones outlive every handshake that began with them. */
#include "gateway/tls.h"

#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/text.h"

enum {
    FILE_BYTES_MAX = 1 << 20,
    CHAIN_MAX = 16,
    KEPT_MICROSECONDS = 600000000, /* a handshake ends with its connection's first deadline, long before */
};

typedef struct keys keys;
struct keys {
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned count;
    gnutls_privkey_t key;
    gnutls_x509_trust_list_t authorities; /* NULL: callers need no certificate */
    uint64_t replaced_microseconds;
    keys *older;
};

typedef struct {
    struct timespec changed;
    ino_t inode;
    off_t size;
} stamp;

struct tls_keeper {
    tls_files files; /* owned texts */
    bool failing;    /* they were not good the last time */
    stamp seen[3];   /* of the files, when they were read last, good or not */
    keys *_Atomic current;
    gnutls_datum_t tickets; /* key of tickets, from which GnuTLS makes one for each few hours; empty: there are none */
};

static void
free_keys(keys *k)
{
    for (unsigned i = 0; i < k->count; i++) {
        gnutls_pcert_deinit(&k->chain[i]);
    }
    if (k->key != NULL) {
        gnutls_privkey_deinit(k->key);
    }
    if (k->authorities != NULL) {
        gnutls_x509_trust_list_deinit(k->authorities, 1);
    }
    free(k);
}

/* ---- files ---- */

static aip_status
load(const char *path, char **text, gnutls_datum_t *out, aip_error *err)
{
    size_t size = 0;
    aip_error why = AIP_ERROR_INIT;
    if (text_load_file(path, FILE_BYTES_MAX, text, &size, &why) != AIP_OK) {
        return aip_fail(err, AIP_CONFIG_INVALID, "%s", why.detail); /* it names the file */
    }
    *out = (gnutls_datum_t){(unsigned char *)*text, (unsigned)size};
    return AIP_OK;
}

static aip_status
fail(const char *path, int why, aip_error *err)
{
    return aip_fail(err, AIP_CONFIG_INVALID, "%s: %s", path, gnutls_strerror(why));
}

static aip_status
load_chain(const tls_files *files, keys *k, aip_error *err)
{
    char *text STRING_AUTO = NULL;
    gnutls_datum_t data;
    AIP_TRY(load(files->certificate, &text, &data, err));
    k->count = CHAIN_MAX;
    int code = gnutls_pcert_list_import_x509_raw(k->chain, &k->count, &data, GNUTLS_X509_FMT_PEM, 0);
    if (code < 0 || k->count == 0) {
        k->count = 0;
        return fail(files->certificate, code < 0 ? code : GNUTLS_E_NO_CERTIFICATE_FOUND, err);
    }
    return AIP_OK;
}

static aip_status
load_key(const tls_files *files, keys *k, aip_error *err)
{
    char *text STRING_AUTO = NULL;
    gnutls_datum_t data;
    struct stat facts;
    if (stat(files->key, &facts) == 0 && (facts.st_mode & S_IROTH) != 0) {
        return aip_fail(err, AIP_CONFIG_INVALID, "%s can be read by others: chmod 600 it", files->key);
    }
    AIP_TRY(load(files->key, &text, &data, err));
    int code = gnutls_privkey_init(&k->key);
    code = code < 0 ? code : gnutls_privkey_import_x509_raw(k->key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
    gnutls_memset(text, 0, data.size);
    return code < 0 ? fail(files->key, code, err) : AIP_OK;
}

static aip_status
load_authorities(const tls_files *files, keys *k, aip_error *err)
{
    char *text STRING_AUTO = NULL;
    gnutls_datum_t data;
    if (files->client_ca == NULL) {
        return AIP_OK;
    }
    AIP_TRY(load(files->client_ca, &text, &data, err));
    int code = gnutls_x509_trust_list_init(&k->authorities, 0);
    code =
        code < 0 ? code : gnutls_x509_trust_list_add_trust_mem(k->authorities, &data, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
    return code <= 0 ? fail(files->client_ca, code < 0 ? code : GNUTLS_E_NO_CERTIFICATE_FOUND, err) : AIP_OK;
}

static bool
belong_together(const keys *k)
{
    unsigned char of_chain[64], of_key[64];
    size_t chain_size = sizeof of_chain, key_size = sizeof of_key;
    gnutls_pubkey_t key = NULL;
    bool same = gnutls_pubkey_init(&key) == 0 && gnutls_pubkey_import_privkey(key, k->key, 0, 0) == 0 &&
                gnutls_pubkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, of_key, &key_size) == 0 &&
                gnutls_pubkey_get_key_id(k->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, of_chain, &chain_size) == 0 &&
                chain_size == key_size && memcmp(of_chain, of_key, key_size) == 0;
    if (key != NULL) {
        gnutls_pubkey_deinit(key);
    }
    return same;
}

static aip_status
fill_keys(const tls_files *files, keys *k, aip_error *err)
{
    AIP_TRY(load_chain(files, k, err));
    AIP_TRY(load_key(files, k, err));
    AIP_TRY(load_authorities(files, k, err));
    return belong_together(k)
               ? AIP_OK
               : aip_fail(err, AIP_CONFIG_INVALID, "%s and %s do not belong together", files->certificate, files->key);
}

static aip_status
load_keys(const tls_files *files, keys **out, aip_error *err)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = fill_keys(files, *out, err);
    if (status != AIP_OK) {
        free_keys(*out);
        *out = NULL;
    }
    return status;
}

/* Notes what the files are like now, and tells whether they were otherwise. */
static bool
note_stamps(tls_keeper *t)
{
    const char *const paths[] = {t->files.certificate, t->files.key, t->files.client_ca};
    bool changed = false;
    for (size_t i = 0; i < 3; i++) {
        struct stat facts;
        stamp now = {.size = -1};
        if (paths[i] != NULL && stat(paths[i], &facts) == 0) {
            now = (stamp){facts.st_mtim, facts.st_ino, facts.st_size};
        }
        const stamp *before = &t->seen[i];
        changed = changed || now.inode != before->inode || now.size != before->size ||
                  now.changed.tv_sec != before->changed.tv_sec || now.changed.tv_nsec != before->changed.tv_nsec;
        t->seen[i] = now;
    }
    return changed;
}

/* ---- */

static aip_status
copy_files(const tls_files *files, tls_files *out, aip_error *err)
{
    bool asks = files->client_ca != NULL;
    *out = (tls_files){strdup(files->certificate), strdup(files->key), asks ? strdup(files->client_ca) : NULL};
    return out->certificate == NULL || out->key == NULL || (asks && out->client_ca == NULL)
               ? aip_fail(err, AIP_NO_MEMORY, NULL)
               : AIP_OK;
}

aip_status
tls_open(const tls_files *files, tls_keeper **out, aip_error *err)
{
    tls_keeper *t = calloc(1, sizeof *t);
    keys *first = NULL;
    *out = NULL;
    if (t == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    atomic_init(&t->current, NULL);
    aip_status status = copy_files(files, &t->files, err);
    if (status == AIP_OK) {
        (void)note_stamps(t);
        status = load_keys(&t->files, &first, err);
    }
    if (status != AIP_OK) {
        tls_close(&t);
        return status;
    }
    atomic_store(&t->current, first);
    if (!tls_asks(t) && gnutls_session_ticket_key_generate(&t->tickets) != 0) {
        t->tickets = (gnutls_datum_t){NULL, 0};
    }
    *out = t;
    return AIP_OK;
}

void
tls_close(tls_keeper **t)
{
    if (*t == NULL) {
        return;
    }
    for (keys *each = atomic_load(&(*t)->current); each != NULL;) {
        keys *older = each->older;
        free_keys(each);
        each = older;
    }
    if ((*t)->tickets.data != NULL) {
        gnutls_memset((*t)->tickets.data, 0, (*t)->tickets.size);
        gnutls_free((*t)->tickets.data);
    }
    free((char *)(uintptr_t)(*t)->files.certificate);
    free((char *)(uintptr_t)(*t)->files.key);
    free((char *)(uintptr_t)(*t)->files.client_ca);
    free(*t);
    *t = NULL;
}

static void
free_old(keys *current, uint64_t now)
{
    for (keys **link = &current->older; *link != NULL;) {
        keys *each = *link;
        if (now - each->replaced_microseconds > KEPT_MICROSECONDS) {
            *link = each->older;
            free_keys(each);
        } else {
            link = &each->older;
        }
    }
}

aip_status
tls_look(tls_keeper *t, aip_error *err)
{
    keys *before = atomic_load(&t->current), *next = NULL;
    uint64_t now = clock_monotonic_microseconds();
    free_old(before, now);
    if (!note_stamps(t) && !t->failing) {
        return AIP_OK;
    }
    t->failing = true;
    AIP_TRY(load_keys(&t->files, &next, err));
    t->failing = false;
    before->replaced_microseconds = now;
    next->older = before;
    atomic_store(&t->current, next);
    return AIP_OK;
}

bool
tls_asks(const tls_keeper *t)
{
    return t->files.client_ca != NULL;
}

void
tls_offer_resumption(tls_keeper *t, gnutls_session_t session)
{
    if (t->tickets.data != NULL) {
        (void)gnutls_session_ticket_enable_server(session, &t->tickets); /* without it each handshake is a full one */
    }
}

int
tls_choose(tls_keeper *t, gnutls_session_t session, gnutls_pcert_st **certificates, unsigned *count,
           gnutls_privkey_t *key)
{
    keys *k = atomic_load(&t->current);
    if (k->authorities != NULL) {
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
    }
    *certificates = k->chain;
    *count = k->count;
    *key = k->key;
    return 0;
}

int
tls_judge_peer(tls_keeper *t, gnutls_session_t session)
{
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT};
    const keys *k = atomic_load(&t->current);
    gnutls_x509_crt_t chain[CHAIN_MAX];
    unsigned sent = 0, read = 0, verdict = GNUTLS_CERT_INVALID;
    const gnutls_datum_t *raw = gnutls_certificate_get_peers(session, &sent);
    if (k->authorities == NULL || raw == NULL || sent == 0 || sent > CHAIN_MAX) {
        return -1;
    }
    int code = 0;
    for (; code >= 0 && read < sent; read++) {
        code = gnutls_x509_crt_init(&chain[read]);
        if (code < 0) {
            break;
        }
        code = gnutls_x509_crt_import(chain[read], &raw[read], GNUTLS_X509_FMT_DER);
    }
    if (code >= 0) {
        code = gnutls_x509_trust_list_verify_crt2(k->authorities, chain, read, &purpose, 1, 0, &verdict, NULL);
    }
    for (unsigned i = 0; i < read; i++) {
        gnutls_x509_crt_deinit(chain[i]);
    }
    return code >= 0 && verdict == 0 ? 0 : -1;
}
