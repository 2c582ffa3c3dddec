/* Hyperscan's compiler: plain bytes in, plain bytes out, so that it may run in another process. */
#include <stdlib.h>

#include "base/pattern_inside.h"

#ifdef AIP_HYPERSCAN
#include <hs.h>

/* What hs_compile_multi takes, column by column. */
typedef struct {
    const char **texts; /* in the order */
    unsigned *flags, *rows;
    unsigned count;
} columns;

/* Does Hyperscan take the pattern, seen alone? */
static bool
is_taken(const char *text, unsigned flags)
{
    hs_expr_info_t *info = NULL;
    hs_compile_error_t *why = NULL;
    bool taken = hs_expression_info(text, flags, &info, &why) == HS_SUCCESS;
    free(info);
    hs_free_compile_error(why);
    return taken;
}

static void
leave(text_buffer *left, unsigned row)
{
    const uint32_t number = row;
    text_append(left, (aip_bytes){(const unsigned char *)&number, sizeof number});
}

static aip_status
read_row(aip_bytes *rest, columns *c, text_buffer *left, aip_error *err)
{
    pattern_order_row head = {0};
    if (rest->size > sizeof head) {
        memcpy(&head, rest->data, sizeof head);
    }
    if (head.size <= sizeof head || head.size > rest->size || rest->data[head.size - 1] != '\0') {
        return aip_fail(err, AIP_INTERNAL, "not an order");
    }
    const char *text = (const char *)rest->data + sizeof head;
    if (is_taken(text, head.flags)) {
        c->texts[c->count] = text;
        c->flags[c->count] = head.flags;
        c->rows[c->count++] = head.row;
    } else {
        leave(left, head.row);
    }
    *rest = aip_bytes_from(*rest, head.size);
    return AIP_OK;
}

static void
drop(columns *c, unsigned at)
{
    c->count--;
    for (unsigned i = at; i < c->count; i++) {
        c->texts[i] = c->texts[i + 1];
        c->flags[i] = c->flags[i + 1];
        c->rows[i] = c->rows[i + 1];
    }
}

/* Leaves a pattern out whenever only the compiler finds that it is too much. */
static aip_status
compile(columns *c, hs_database_t **database, text_buffer *left, aip_error *err)
{
    while (c->count > 0) {
        hs_compile_error_t *why = NULL;
        hs_error_t code = hs_compile_multi(c->texts, c->flags, c->rows, c->count, HS_MODE_BLOCK, NULL, database, &why);
        if (code == HS_SUCCESS) {
            return AIP_OK;
        }
        int bad = why == NULL ? -1 : why->expression;
        hs_free_compile_error(why);
        if (code == HS_NOMEM) {
            return aip_fail(err, AIP_NO_MEMORY, NULL);
        }
        unsigned at = bad < 0 || (unsigned)bad >= c->count ? c->count - 1 : (unsigned)bad;
        leave(left, c->rows[at]);
        drop(c, at);
    }
    return AIP_OK;
}

static aip_status
pack(const hs_database_t *database, text_buffer *reply, size_t *size, aip_error *err)
{
    char *bytes = NULL;
    *size = 0;
    if (database == NULL) {
        return AIP_OK;
    }
    if (hs_serialize_database(database, &bytes, size) != HS_SUCCESS) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    text_append(reply, (aip_bytes){(const unsigned char *)bytes, *size});
    free(bytes);
    return AIP_OK;
}

/* The head comes first, and is known last. */
static aip_status
answer(columns *c, aip_bytes order, text_buffer *left, text_buffer *reply, aip_error *err)
{
    pattern_reply head = {.status = (uint32_t)AIP_OK};
    hs_database_t *database = NULL;
    size_t size = 0;
    while (order.size > 0) {
        AIP_TRY(read_row(&order, c, left, err));
    }
    AIP_TRY(compile(c, &database, left, err));
    text_append(reply, (aip_bytes){(const unsigned char *)&head, sizeof head});
    aip_status status = pack(database, reply, &size, err);
    hs_free_database(database);
    AIP_TRY(status);
    AIP_TRY(text_finish(left, err));
    text_append(reply, text_view(left));
    AIP_TRY(text_finish(reply, err));
    head.database_size = size;
    head.left_count = (uint32_t)(left->size / sizeof(uint32_t));
    memcpy(reply->data, &head, sizeof head);
    return AIP_OK;
}

static void
answer_failure(aip_status status, text_buffer *reply)
{
    const pattern_reply head = {.status = (uint32_t)status};
    text_clear(reply);
    text_append(reply, (aip_bytes){(const unsigned char *)&head, sizeof head});
}

void
pattern_compile(aip_bytes order, text_buffer *reply)
{
    TEXT_AUTO text_buffer left = {0};
    size_t most = order.size / sizeof(pattern_order_row) + 1;
    columns c = {calloc(most, sizeof *c.texts), calloc(most, sizeof *c.flags), calloc(most, sizeof *c.rows), 0};
    aip_status status = AIP_NO_MEMORY;
    if (c.texts != NULL && c.flags != NULL && c.rows != NULL) {
        status = answer(&c, order, &left, reply, NULL);
    }
    if (status != AIP_OK) {
        answer_failure(status, reply);
    }
    free(c.texts);
    free(c.flags);
    free(c.rows);
}
#else
void
pattern_compile(aip_bytes order, text_buffer *reply)
{
    (void)order;
    (void)reply;
}
#endif
