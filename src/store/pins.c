/* The table of pinned tool definitions. */
#include "store/pins.h"

#include "store/statement.h"

#define SEEN_SECONDS 60 /* how exact last_seen is */

enum { SQL_FIND, SQL_COUNT, SQL_ADD, SQL_SEEN, SQL_CHANGE, SQL_APPROVE, SQL_LOAD, SQL_FORGET, SQL_STATEMENTS };

static const char *const sql[SQL_STATEMENTS] = {
    [SQL_FIND] = "SELECT whole_hash, changed_whole_hash, last_seen FROM tool_pin WHERE upstream = ? AND tool = ?",
    [SQL_COUNT] = "SELECT count(*) FROM tool_pin WHERE upstream = ?",
    [SQL_ADD] = ("INSERT INTO tool_pin (upstream, tool, schema_hash, whole_hash, first_seen, last_seen, state)"
                 " VALUES (?1, ?2, ?3, ?4, ?5, ?5, 0)"),
    [SQL_SEEN] = "UPDATE tool_pin SET last_seen = max(last_seen, ?3) WHERE upstream = ?1 AND tool = ?2",
    [SQL_CHANGE] = ("UPDATE tool_pin SET state = 1, changed_schema_hash = ?3, changed_whole_hash = ?4,"
                    " last_seen = max(last_seen, ?5) WHERE upstream = ?1 AND tool = ?2"),
    /* The right sides are of the row as it was. */
    [SQL_APPROVE] = ("UPDATE tool_pin SET state = 2, whole_hash = ?3, approved_by = ?4, approved_at = ?5,"
                     " schema_hash = CASE WHEN changed_whole_hash = ?3 THEN changed_schema_hash ELSE schema_hash END,"
                     " changed_schema_hash = NULL, changed_whole_hash = NULL"
                     " WHERE upstream = ?1 AND tool = ?2 AND (whole_hash = ?3 OR changed_whole_hash = ?3)"),
    [SQL_LOAD] = ("SELECT upstream, tool, schema_hash, whole_hash, changed_schema_hash, changed_whole_hash, state,"
                  " first_seen, last_seen, approved_by, approved_at FROM tool_pin ORDER BY upstream, tool"),
    [SQL_FORGET] = "DELETE FROM tool_pin WHERE upstream = ?1 AND (?2 = x'' OR tool = ?2)",
};

aip_status
pins_open(store *s, pin_table *out, aip_error *err)
{
    return statements_prepare(s, sql, SQL_STATEMENTS, &out->set, err);
}

static aip_bytes
bytes_of(const unsigned char hash[AIP_HASH_BYTES])
{
    return (aip_bytes){hash, AIP_HASH_BYTES};
}

static aip_status
read_hash(const statement *q, int column, unsigned char out[AIP_HASH_BYTES], aip_error *err)
{
    aip_bytes hash = statement_column(q, column);
    if (hash.size != AIP_HASH_BYTES) {
        return aip_fail(err, AIP_STORE_INVALID, "a pinned tool is damaged");
    }
    memcpy(out, hash.data, AIP_HASH_BYTES);
    return AIP_OK;
}

/* ---- what is shown ---- */

typedef struct {
    bool is_known, has_changed;
    unsigned char whole[AIP_HASH_BYTES], changed[AIP_HASH_BYTES];
    int64_t last_seen;
} pin;

static aip_status
find(const pin_table *table, const pin_sight *sight, pin *out, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_FIND);
    *out = (pin){0};
    statement_blob(&q, sight->upstream);
    statement_blob(&q, sight->tool);
    AIP_TRY(statement_step(&q, &out->is_known, err));
    if (!out->is_known) {
        return AIP_OK;
    }
    out->last_seen = statement_column_integer(&q, 2);
    out->has_changed = !statement_column_is_null(&q, 1);
    if (out->has_changed) {
        AIP_TRY(read_hash(&q, 1, out->changed, err));
    }
    return read_hash(&q, 0, out->whole, err);
}

static bool
is_fit(const pin_sight *sight)
{
    return sight->upstream.size > 0 && sight->upstream.size <= PIN_UPSTREAM_BYTES_MAX && sight->tool.size > 0 &&
           sight->tool.size <= AIP_TOOL_BYTES_MAX;
}

static bool
is_same(const unsigned char a[AIP_HASH_BYTES], const unsigned char b[AIP_HASH_BYTES])
{
    return memcmp(a, b, AIP_HASH_BYTES) == 0;
}

static aip_status
has_room(const pin_table *table, aip_bytes upstream, bool *out, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_COUNT);
    bool row;
    statement_blob(&q, upstream);
    AIP_TRY(statement_step(&q, &row, err));
    *out = row && statement_column_integer(&q, 0) < PINS_PER_UPSTREAM_MAX;
    return AIP_OK;
}

/* Lists are asked for often and change seldom: so they are looked through without a transaction first, and no writer
 * is kept waiting while there is nothing to write. */
typedef struct {
    const pin_table *table;
    int64_t now;
    bool may_write, wants_to;
} noting;

/* Adds the sight, or notes what it changes. */
static aip_status
write_hashes(const noting *n, size_t which, const pin_sight *sight, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(n->table->set, which);
    statement_blob(&q, sight->upstream);
    statement_blob(&q, sight->tool);
    statement_blob(&q, bytes_of(sight->hashes.schema));
    statement_blob(&q, bytes_of(sight->hashes.whole));
    statement_integer(&q, n->now);
    return statement_run(&q, err);
}

static aip_status
write_seen(const noting *n, const pin_sight *sight, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(n->table->set, SQL_SEEN);
    statement_blob(&q, sight->upstream);
    statement_blob(&q, sight->tool);
    statement_integer(&q, n->now);
    return statement_run(&q, err);
}

static aip_status
add(const noting *n, const pin_sight *sight, pin_verdict *verdict, aip_error *err)
{
    bool room = false;
    AIP_TRY(has_room(n->table, sight->upstream, &room, err));
    *verdict = room ? PIN_NEW : PIN_UNFIT;
    return room ? write_hashes(n, SQL_ADD, sight, err) : AIP_OK;
}

static aip_status
note(noting *n, const pin_sight *sight, pin_verdict *verdict, aip_error *err)
{
    pin known;
    AIP_TRY(find(n->table, sight, &known, err));
    bool same = known.is_known && is_same(known.whole, sight->hashes.whole);
    bool noted = same || (known.has_changed && is_same(known.changed, sight->hashes.whole));
    *verdict = same ? PIN_SAME : PIN_CHANGED;
    if (noted && n->now < known.last_seen + SEEN_SECONDS) {
        return AIP_OK;
    }
    n->wants_to = true;
    if (!n->may_write) {
        return AIP_OK;
    }
    if (!known.is_known) {
        return add(n, sight, verdict, err);
    }
    return noted ? write_seen(n, sight, err) : write_hashes(n, SQL_CHANGE, sight, err);
}

static aip_status
note_all(noting *n, const pin_sight *sights, size_t count, pin_verdict *verdicts, aip_error *err)
{
    for (size_t i = 0; i < count; i++) {
        verdicts[i] = PIN_UNFIT;
        if (is_fit(&sights[i])) {
            AIP_TRY(note(n, &sights[i], &verdicts[i], err));
        }
    }
    return AIP_OK;
}

static aip_status
note_durably(noting *n, const pin_sight *sights, size_t count, pin_verdict *verdicts, aip_error *err)
{
    store *s = n->table->set->store;
    n->may_write = true;
    AIP_TRY(transaction_begin(s, err));
    return transaction_end(s, note_all(n, sights, count, verdicts, err), err);
}

aip_status
pins_note(const pin_table *table, const pin_sight *sights, size_t count, int64_t now, pin_verdict *verdicts,
          aip_error *err)
{
    noting n = {.table = table, .now = now};
    aip_status status = note_all(&n, sights, count, verdicts, err);
    if (status == AIP_OK && n.wants_to) {
        status = note_durably(&n, sights, count, verdicts, err);
    }
    for (size_t i = 0; status != AIP_OK && i < count; i++) {
        verdicts[i] = PIN_CHANGED;
    }
    return status;
}

/* ---- what an operator says ---- */

aip_status
pins_approve(const pin_table *table, const pin_approval *approval, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_APPROVE);
    if (approval->by.size == 0) {
        return aip_fail(err, AIP_USAGE, "an approval names who gives it");
    }
    statement_blob(&q, approval->upstream);
    statement_blob(&q, approval->tool);
    statement_blob(&q, bytes_of(approval->whole));
    statement_blob(&q, approval->by);
    statement_integer(&q, approval->now);
    AIP_TRY(statement_run(&q, err));
    return sqlite3_changes(table->set->store->db) == 1 ? AIP_OK : aip_fail(err, AIP_PIN_UNKNOWN, NULL);
}

aip_status
pins_forget(const pin_table *table, aip_bytes upstream, aip_bytes tool, size_t *count, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_FORGET);
    statement_blob(&q, upstream);
    statement_blob(&q, tool);
    AIP_TRY(statement_run(&q, err));
    *count = (size_t)sqlite3_changes(table->set->store->db);
    return AIP_OK;
}

/* ---- what is pinned ---- */

static aip_status
read_row(const statement *q, pin_row *out, aip_error *err)
{
    int64_t state = statement_column_integer(q, 6);
    *out = (pin_row){.upstream = statement_column(q, 0),
                     .tool = statement_column(q, 1),
                     .first_seen = statement_column_integer(q, 7),
                     .last_seen = statement_column_integer(q, 8),
                     .approved_by = statement_column(q, 9),
                     .approved_at = statement_column_integer(q, 10)};
    if (state < PIN_PINNED || state > PIN_APPROVED) {
        return aip_fail(err, AIP_STORE_INVALID, "a pinned tool is damaged");
    }
    out->state = (pin_state)state;
    if (out->state == PIN_DIFFERS) {
        AIP_TRY(read_hash(q, 4, out->changed.schema, err));
        AIP_TRY(read_hash(q, 5, out->changed.whole, err));
    }
    AIP_TRY(read_hash(q, 2, out->pinned.schema, err));
    return read_hash(q, 3, out->pinned.whole, err);
}

aip_status
pins_load_all(const pin_table *table, const pin_sink *sink, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_LOAD);
    bool more;
    AIP_TRY(statement_step(&q, &more, err));
    while (more) {
        pin_row row;
        AIP_TRY(read_row(&q, &row, err));
        AIP_TRY(sink->take(sink->context, &row, err));
        AIP_TRY(statement_step(&q, &more, err));
    }
    return AIP_OK;
}
