/* Which runs still live: each locks one byte of a file beside the database, and the kernel frees it when the process
 * ends, however it ends. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/hash.h"
#include "store/ledger_inside.h"

#define SUFFIX "-runs"

/* Not in the database file itself: closing a second descriptor of it would drop SQLite's locks. */
static aip_status
open_runs(const char *database, int *out, aip_error *err)
{
    TEXT_AUTO text_buffer path = {0};
    struct stat facts;
    text_append_string(&path, database);
    text_append(&path, (aip_bytes){(const unsigned char *)SUFFIX, sizeof SUFFIX});
    AIP_TRY(text_finish(&path, err));
    *out = open((const char *)path.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*out < 0) {
        return aip_fail(err, AIP_STORE_UNAVAILABLE, "the file of runs: %s", strerror(errno));
    }
    /* When root looks before the gateway's first start, the gateway must be able to open it afterwards. */
    if (geteuid() == 0 && stat(database, &facts) == 0 && fchown(*out, facts.st_uid, facts.st_gid) != 0) {
        return aip_fail(err, AIP_STORE_UNAVAILABLE, "the file of runs: %s", strerror(errno));
    }
    return AIP_OK;
}

/* A run's own byte; there is no need that the file is so long. */
static struct flock
byte_of(int64_t run)
{
    return (struct flock){
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)((uint64_t)run & (INT64_MAX >> 1)), .l_len = 1};
}

aip_status
runs_begin(ledger *l, aip_error *err)
{
    hash_random(&l->run, sizeof l->run);
    l->runs_fd = -1;
    AIP_TRY(open_runs(sqlite3_db_filename(l->set->store->db, "main"), &l->runs_fd, err));
    struct flock mine = byte_of(l->run);
    return fcntl(l->runs_fd, F_OFD_SETLK, &mine) == 0
               ? AIP_OK
               : aip_fail(err, AIP_STORE_UNAVAILABLE, "the file of runs: %s", strerror(errno));
}

void
runs_end(ledger *l)
{
    if (l->runs_fd >= 0) {
        close(l->runs_fd);
        l->runs_fd = -1;
    }
}

bool
runs_is_alive(const ledger *l, int64_t run)
{
    struct flock theirs = byte_of(run);
    return run == l->run || fcntl(l->runs_fd, F_OFD_GETLK, &theirs) != 0 || theirs.l_type != F_UNLCK;
}
