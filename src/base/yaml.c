/* From libyaml's events to JSON values; what two readers could read differently is refused. */
#include "base/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/number.h"
#include "base/yaml_inside.h"

#define NUMBER_BYTES_MAX 64 /* more digits than any double tells apart, several times over */

/* A mapping or sequence that is not closed yet. */
typedef struct {
    json_t *container; /* borrowed from the root */
    const char *key;   /* of the member whose value comes next, in the object; NULL: a key comes next */
    yaml_place key_place;
    size_t start, column; /* where it stands, in characters from 0 and from 1 */
    bool flow;            /* in brackets */
} frame;

typedef struct {
    yaml_parser_t parser;
    yaml_layout layout;
    const yaml_limits *limits;
    yaml_document *out;
    size_t room; /* entries allocated */
    frame frames[YAML_DEPTH_MAX];
    size_t depth;
    char *key; /* owned: of `frames[depth - 1]` until its value stands in the object */
} builder;

aip_status
yaml_refuse(aip_error *err, aip_status status, yaml_place place, const char *why)
{
    return aip_fail_at(err, status, place.line, "line %u, column %u: %s", place.line, place.column, why);
}

/* ---- what an event may carry ---- */

static yaml_place
place_of(yaml_mark_t mark)
{
    return (yaml_place){(uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

static aip_status
check_decoration(const yaml_char_t *anchor, const yaml_char_t *tag, yaml_place place, aip_error *err)
{
    if (anchor != NULL) {
        return yaml_refuse(err, AIP_CONFIG_INVALID, place,
                           "anchors are not read here; write the value where it is used");
    }
    return tag == NULL ? AIP_OK : yaml_refuse(err, AIP_CONFIG_INVALID, place, "tags are not read here");
}

/* A string may hold tabs and line breaks, a key may not. */
static aip_status
check_string(aip_bytes text, const char *allowed, yaml_place place, aip_error *err)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = text.data[i];
        if (c == '\0' || c == 0x7F || (c < 0x20 && strchr(allowed, c) == NULL)) {
            return yaml_refuse(err, AIP_CONFIG_INVALID, place, "a control character in a string");
        }
    }
    return AIP_OK;
}

static aip_status
refuse_unclear(yaml_scalar kind, yaml_place place, aip_error *err)
{
    static const char *const sentences[] = {
        [YAML_UNCLEAR_WORD] = "true or false to some readers and a word to others: put it in quotes, or write true or "
                              "false",
        [YAML_UNCLEAR_NUMBER] = "readers take this for different numbers, or for none: put it in quotes, or write "
                                "plain decimal digits",
        [YAML_UNCLEAR_DATE] = "a date to some readers and a string to others: put it in quotes",
        [YAML_MERGE] = "merge keys are not read here; write the members where they are used",
    };
    return yaml_refuse(err, AIP_CONFIG_INVALID, place, sentences[kind]);
}

/* ---- the table of places ---- */

static aip_status
add_entry(builder *b, const yaml_entry *entry, aip_error *err)
{
    if (b->out->count == b->limits->nodes) {
        return yaml_refuse(err, AIP_JSON_SIZE, entry->place, "more values than the limit");
    }
    if (b->out->count == b->room) {
        size_t room = b->room == 0 ? 64 : b->room * 2;
        yaml_entry *entries = realloc(b->out->entries, room * sizeof *entries);
        if (entries == NULL) {
            return aip_fail(err, AIP_NO_MEMORY, NULL);
        }
        b->out->entries = entries;
        b->room = room;
    }
    b->out->entries[b->out->count++] = *entry;
    return AIP_OK;
}

static int
compare(const void *left, const void *right)
{
    const yaml_entry *a = left, *b = right;
    uintptr_t in_a = (uintptr_t)a->container, in_b = (uintptr_t)b->container;
    if (in_a != in_b) {
        return in_a < in_b ? -1 : 1;
    }
    if (a->key == NULL || b->key == NULL) {
        bool less = a->key == NULL && (b->key != NULL || a->index < b->index);
        return less ? -1 : a->key != b->key || a->index != b->index;
    }
    return strcmp(a->key, b->key);
}

const yaml_entry *
yaml_find(const yaml_document *document, const json_t *container, const char *key, size_t index)
{
    const yaml_entry wanted = {.container = container, .key = key, .index = key == NULL ? index : 0};
    return document->count == 0
               ? NULL
               : bsearch(&wanted, document->entries, document->count, sizeof *document->entries, compare);
}

void
yaml_clear(yaml_document *document)
{
    for (size_t i = 0; i < document->count; i++) {
        free(document->entries[i].literal);
    }
    free(document->entries);
    json_decref(document->root);
    *document = (yaml_document){0};
}

/* ---- values into their places ---- */

/* Takes the value in any case; the entry of it is complete but for where it stands. */
static aip_status
put_value(builder *b, json_t *value, yaml_entry *entry)
{
    if (value == NULL) {
        return AIP_NO_MEMORY;
    }
    if (b->depth == 0) {
        b->out->root = value;
        return AIP_OK;
    }
    frame *top = &b->frames[b->depth - 1];
    entry->container = top->container;
    if (json_is_array(top->container)) {
        entry->index = json_array_size(top->container);
        return json_array_append_new(top->container, value) == 0 ? AIP_OK : AIP_NO_MEMORY;
    }
    if (json_object_set_new_nocheck(top->container, b->key, value) != 0) {
        return AIP_NO_MEMORY;
    }
    entry->key = json_object_iter_key(json_object_iter_at(top->container, b->key));
    entry->key_place = top->key_place;
    free(b->key);
    b->key = NULL;
    top->key = NULL;
    return AIP_OK;
}

/* Takes the value and the literal. */
static aip_status
add_value(builder *b, json_t *value, char *literal, yaml_place place, aip_error *err)
{
    yaml_entry entry = {.place = place, .literal = literal};
    aip_status status = put_value(b, value, &entry);
    status = status == AIP_OK ? add_entry(b, &entry, err) : aip_fail(err, status, NULL);
    if (status != AIP_OK) {
        free(literal);
    }
    return status;
}

static aip_status
open_container(builder *b, json_t *container, const yaml_event_t *event, aip_error *err)
{
    yaml_place place = place_of(event->start_mark);
    AIP_TRY(add_value(b, container, NULL, place, err));
    if (b->depth == b->limits->depth || b->depth == YAML_DEPTH_MAX) {
        return yaml_refuse(err, AIP_JSON_DEPTH, place, "nested too deeply");
    }
    bool flow = event->type == YAML_MAPPING_START_EVENT ? event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
                                                        : event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
    b->frames[b->depth++] =
        (frame){.container = container, .start = event->start_mark.index, .column = place.column, .flow = flow};
    return AIP_OK;
}

static aip_status
add_number(builder *b, yaml_scalar kind, aip_bytes text, yaml_place place, aip_error *err)
{
    char literal[NUMBER_BYTES_MAX + 1];
    double real = 0;
    long long whole = 0;
    if (text.size > NUMBER_BYTES_MAX) {
        return yaml_refuse(err, AIP_JSON_NUMBER, place, "a number of too many digits");
    }
    memcpy(literal, text.data, text.size);
    literal[text.size] = '\0';
    if (kind == YAML_INTEGER) {
        errno = 0;
        whole = strtoll(literal, NULL, 10);
    }
    if ((kind == YAML_INTEGER && errno != 0) ||
        (kind == YAML_REAL && number_read(aip_bytes_of(literal), &real, NULL) != AIP_OK)) {
        return yaml_refuse(err, AIP_JSON_NUMBER, place, "a number that is too large or too small");
    }
    char *copy = strdup(literal);
    if (copy == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    return add_value(b, kind == YAML_INTEGER ? json_integer(whole) : json_real(real), copy, place, err);
}

static aip_status
add_plain(builder *b, aip_bytes text, yaml_place place, aip_error *err)
{
    yaml_scalar kind = yaml_scalar_of(text);
    switch (kind) {
    case YAML_STRING:
        return add_value(b, json_stringn((const char *)text.data, text.size), NULL, place, err);
    case YAML_NULL:
        return add_value(b, json_null(), NULL, place, err);
    case YAML_FALSE:
    case YAML_TRUE:
        return add_value(b, json_boolean(kind == YAML_TRUE), NULL, place, err);
    case YAML_INTEGER:
    case YAML_REAL:
        return add_number(b, kind, text, place, err);
    case YAML_UNCLEAR_WORD:
    case YAML_UNCLEAR_NUMBER:
    case YAML_UNCLEAR_DATE:
    case YAML_MERGE:
        return refuse_unclear(kind, place, err);
    }
    return aip_fail(err, AIP_INTERNAL, NULL);
}

static aip_status
add_key(builder *b, aip_bytes text, bool plain, yaml_place place, aip_error *err)
{
    frame *top = &b->frames[b->depth - 1];
    yaml_scalar kind = plain ? yaml_scalar_of(text) : YAML_STRING;
    if (kind == YAML_MERGE) {
        return refuse_unclear(kind, place, err);
    }
    if (kind != YAML_STRING) {
        return yaml_refuse(err, AIP_CONFIG_INVALID, place, "a key that is no string to all readers: put it in quotes");
    }
    AIP_TRY(check_string(text, "", place, err));
    b->key = strndup((const char *)text.data, text.size);
    if (b->key == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    if (json_object_get(top->container, b->key) != NULL) {
        return yaml_refuse(err, AIP_JSON_DUPLICATE, place, "this key stands above already");
    }
    top->key = b->key;
    top->key_place = place;
    return AIP_OK;
}

/* ---- events ---- */

static bool
awaits_key(const builder *b)
{
    return b->depth > 0 && json_is_object(b->frames[b->depth - 1].container) && b->frames[b->depth - 1].key == NULL;
}

/* In a block, the further lines of what stands in quotes or brackets are indented deeper than the block. */
static aip_status
check_lines(const builder *b, size_t start, const yaml_event_t *event, aip_error *err)
{
    if (b->depth == 0 || b->frames[b->depth - 1].flow) {
        return AIP_OK;
    }
    const char *why = yaml_layout_check_lines(&b->layout, start, event->end_mark.index, b->frames[b->depth - 1].column);
    return why == NULL ? AIP_OK : yaml_refuse(err, AIP_CONFIG_INVALID, place_of(event->start_mark), why);
}

static aip_status
check_style(const builder *b, const yaml_event_t *event, aip_error *err)
{
    const char *why = NULL;
    size_t start = event->start_mark.index;
    switch (event->data.scalar.style) {
    case YAML_PLAIN_SCALAR_STYLE:
        why = event->data.scalar.length == 1 && event->data.scalar.value[0] == '-'
                  ? "a dash that is an item to some readers: put it in quotes"
                  : NULL;
        break;
    case YAML_LITERAL_SCALAR_STYLE:
    case YAML_FOLDED_SCALAR_STYLE:
        why = yaml_layout_check_block(&b->layout, start, event->end_mark.index);
        break;
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
        return check_lines(b, start, event, err);
    case YAML_ANY_SCALAR_STYLE:
        break;
    }
    return why == NULL ? AIP_OK : yaml_refuse(err, AIP_CONFIG_INVALID, place_of(event->start_mark), why);
}

static aip_status
take_scalar(builder *b, const yaml_event_t *event, aip_error *err)
{
    yaml_place place = place_of(event->start_mark);
    aip_bytes text = {event->data.scalar.value, event->data.scalar.length};
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    AIP_TRY(check_decoration(event->data.scalar.anchor, event->data.scalar.tag, place, err));
    AIP_TRY(check_style(b, event, err));
    if (awaits_key(b)) {
        return add_key(b, text, plain, place, err);
    }
    AIP_TRY(check_string(text, "\t\r\n", place, err));
    return plain ? add_plain(b, text, place, err)
                 : add_value(b, json_stringn((const char *)text.data, text.size), NULL, place, err);
}

static aip_status
take_start(builder *b, const yaml_event_t *event, aip_error *err)
{
    bool mapping = event->type == YAML_MAPPING_START_EVENT;
    yaml_place place = place_of(event->start_mark);
    AIP_TRY(check_decoration(mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor,
                             mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag, place, err));
    if (awaits_key(b)) {
        return yaml_refuse(err, AIP_CONFIG_INVALID, place, "a key is a string");
    }
    return open_container(b, mapping ? json_object() : json_array(), event, err);
}

static aip_status
take_document(const builder *b, const yaml_event_t *event, aip_error *err)
{
    yaml_place place = place_of(event->start_mark);
    const yaml_version_directive_t *version = event->data.document_start.version_directive;
    if (b->out->root != NULL) {
        return yaml_refuse(err, AIP_CONFIG_INVALID, place, "a second document; one file holds one");
    }
    if (event->data.document_start.tag_directives.start != event->data.document_start.tag_directives.end) {
        return yaml_refuse(err, AIP_CONFIG_INVALID, place, "tags are not read here");
    }
    if (version != NULL && (version->major != 1 || version->minor != 2)) {
        return yaml_refuse(err, AIP_CONFIG_INVALID, place, "only YAML 1.2 is read here");
    }
    return AIP_OK;
}

static aip_status
take_event(builder *b, const yaml_event_t *event, aip_error *err)
{
    size_t start = event->start_mark.index; /* a mapping's may be the mark of its first key, which is looked at */
    const char *why = yaml_layout_check_gap(&b->layout, start,
                                            event->type == YAML_MAPPING_START_EVENT ? start : event->end_mark.index);
    if (why != NULL) {
        return yaml_refuse(err, AIP_CONFIG_INVALID, place_of(event->start_mark), why);
    }
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return take_document(b, event, err);
    case YAML_ALIAS_EVENT:
        return yaml_refuse(err, AIP_CONFIG_INVALID, place_of(event->start_mark),
                           "aliases are not read here; write the value again");
    case YAML_SCALAR_EVENT:
        return take_scalar(b, event, err);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return take_start(b, event, err);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->depth--;
        return b->frames[b->depth].flow ? check_lines(b, b->frames[b->depth].start, event, err) : AIP_OK;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return AIP_OK;
    }
    return aip_fail(err, AIP_INTERNAL, NULL);
}

/* The parser's sentences are fixed texts, without input. */
static aip_status
report_syntax(const yaml_parser_t *parser, aip_error *err)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    return yaml_refuse(err, AIP_CONFIG_INVALID, place_of(parser->problem_mark),
                       parser->problem == NULL ? "not YAML" : parser->problem);
}

static aip_status
take_all(builder *b, aip_error *err)
{
    for (bool ended = false; !ended;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&b->parser, &event)) {
            return report_syntax(&b->parser, err);
        }
        ended = event.type == YAML_STREAM_END_EVENT;
        aip_status status = take_event(b, &event, err);
        yaml_event_delete(&event);
        AIP_TRY(status);
    }
    return b->out->root != NULL ? AIP_OK
                                : yaml_refuse(err, AIP_CONFIG_INVALID, (yaml_place){1, 1}, "nothing stands here");
}

static aip_status
parse(builder *b, aip_error *err)
{
    aip_bytes text = b->layout.text;
    if (!yaml_parser_initialize(&b->parser)) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b->parser, text.size == 0 ? (const unsigned char *)"" : text.data, text.size);
    aip_status status = take_all(b, err);
    yaml_parser_delete(&b->parser);
    free(b->key);
    return status;
}

aip_status
yaml_load(aip_bytes text, const yaml_limits *limits, yaml_document *out, aip_error *err)
{
    builder b = {.limits = limits, .out = out};
    *out = (yaml_document){0};
    if (text.size > limits->bytes || text.size >= UINT32_MAX) {
        return aip_fail(err, AIP_JSON_SIZE, "more than %zu bytes", limits->bytes);
    }
    aip_status status = yaml_layout_load(text, &b.layout, err);
    if (status == AIP_OK) {
        status = parse(&b, err);
    }
    yaml_layout_clear(&b.layout);
    if (status != AIP_OK) {
        yaml_clear(out);
        return status;
    }
    qsort(out->entries, out->count, sizeof *out->entries, compare);
    return AIP_OK;
}
