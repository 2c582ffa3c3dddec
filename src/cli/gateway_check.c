/* What a start reads beside the configuration, looked at without starting. */
#include "cli/gateway_check.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "gateway/tls.h"

static void
tell(text_buffer *report, aip_status *first, const char *key, const aip_error *why)
{
    const char *sentence = aip_status_lookup(why->status)->sentence;
    text_append_format(report, "%s: %s\n", key, why->detail[0] == '\0' ? sentence : why->detail);
    *first = *first == AIP_OK ? why->status : *first;
}

static aip_status
check_tls(const front_settings *front, aip_error *err)
{
    const tls_files files = {front->tls_certificate, front->tls_key, front->tls_client_ca};
    tls_keeper *keeper = NULL;
    if (front->tls_key == NULL) {
        return AIP_OK;
    }
    aip_status status = tls_open(&files, &keeper, err);
    tls_close(&keeper);
    return status;
}

static aip_status
check_identity(const gateway_settings *settings, const identity_options *options, aip_error *err)
{
    gateway g = {.settings = settings};
    aip_status status = gateway_identity_load(options, &g, err);
    own_identity_clear(&g.own);
    aip_secret_key_free(&g.self.key);
    return status;
}

static aip_status
check_access(const char *path, int how, aip_error *err)
{
    return path == NULL || access(path, how) == 0 ? AIP_OK : aip_fail(err, AIP_IO, "%s: %s", path, strerror(errno));
}

/* A running gateway may have it open, so it is not opened: it is there and can be written, or its folder can be. */
static aip_status
check_place(const char *path, aip_error *err)
{
    TEXT_AUTO text_buffer folder = {0};
    if (path == NULL || access(path, F_OK) == 0) {
        return check_access(path, R_OK | W_OK, err);
    }
    const char *slash = strrchr(path, '/');
    text_append_format(&folder, "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1, slash == NULL ? "." : path);
    text_append(&folder, (aip_bytes){(const unsigned char *)"", 1});
    AIP_TRY(text_finish(&folder, err));
    return check_access(folder.data, W_OK | X_OK, err);
}

aip_status
gateway_check_files(const gateway_settings *settings, text_buffer *report)
{
    const gateway_options *options = gateway_settings_options(settings);
    const struct {
        const char *path;
        const char *key;
    } places[] = {{options->audit, "audit.file"},
                  {options->identity.store, "identity.store"},
                  {options->admin_socket, "admin.socket"}};
    aip_status first = AIP_OK;
    aip_error why = AIP_ERROR_INIT;
    if (check_tls(&settings->front, &why) != AIP_OK) {
        tell(report, &first, "listen.tls", &why);
    }
    if (check_identity(settings, &options->identity, &why) != AIP_OK) {
        tell(report, &first, "identity.key", &why);
    }
    if (check_access(options->identity.ca_file, R_OK, &why) != AIP_OK) {
        tell(report, &first, "identity.ca_file", &why);
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (check_place(places[i].path, &why) != AIP_OK) {
            tell(report, &first, places[i].key, &why);
        }
    }
    return first;
}
