/* From libyaml's events to JSON values; what two readers could read differently is refused. */
#include "base/yaml.h"

#include <stdlib.h>
#include <yaml.h>

#include "base/yaml_inside.h"

typedef struct {
    yaml_parser_t parser;
    yaml_layout layout;
    yaml_values values;
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

static bool
awaits_key(const builder *b)
{
    return b->values.depth > 0 && json_is_object(b->values.frames[b->values.depth - 1].container) &&
           b->values.frames[b->values.depth - 1].key == NULL;
}

static aip_status
check_decoration(const builder *b, const yaml_char_t *anchor, const yaml_char_t *tag, yaml_place place, aip_error *err)
{
    if (anchor != NULL && (!b->values.peer || awaits_key(b))) {
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

/* ---- scalars ---- */

static aip_status
add_plain(builder *b, aip_bytes text, yaml_place place, aip_error *err)
{
    yaml_scalar kind = yaml_scalar_of(text);
    switch (kind) {
    case YAML_STRING:
        return yaml_values_add_string(&b->values, text, place, err);
    case YAML_NULL:
        return yaml_values_add(&b->values, json_null(), NULL, place, err);
    case YAML_FALSE:
    case YAML_TRUE:
        return yaml_values_add_boolean(&b->values, kind == YAML_TRUE, text, place, err);
    case YAML_INTEGER:
    case YAML_REAL:
        return yaml_values_add_number(&b->values, kind == YAML_INTEGER, text, place, err);
    case YAML_UNCLEAR_WORD:
    case YAML_UNCLEAR_NUMBER:
    case YAML_UNCLEAR_DATE:
        return b->values.peer ? yaml_values_add_string(&b->values, text, place, err) : refuse_unclear(kind, place, err);
    case YAML_MERGE:
        return refuse_unclear(kind, place, err);
    }
    return aip_fail(err, AIP_INTERNAL, NULL);
}

static aip_status
add_key(builder *b, aip_bytes text, bool plain, yaml_place place, aip_error *err)
{
    yaml_frame *top = &b->values.frames[b->values.depth - 1];
    yaml_scalar kind = plain ? yaml_scalar_of(text) : YAML_STRING;
    if (kind == YAML_MERGE) {
        return refuse_unclear(kind, place, err);
    }
    if (kind != YAML_STRING && !b->values.peer) {
        return yaml_refuse(err, AIP_CONFIG_INVALID, place, "a key that is no string to all readers: put it in quotes");
    }
    AIP_TRY(check_string(text, "", place, err));
    b->values.key = strndup((const char *)text.data, text.size);
    if (b->values.key == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    if (json_object_get(top->container, b->values.key) != NULL) {
        return yaml_refuse(err, AIP_JSON_DUPLICATE, place, "this key stands above already");
    }
    top->key = b->values.key;
    top->key_place = place;
    return AIP_OK;
}

/* ---- events ---- */

/* In a block, the further lines of what stands in quotes or brackets are indented deeper than the block. */
static aip_status
check_lines(const builder *b, size_t start, const yaml_event_t *event, aip_error *err)
{
    if (b->values.depth == 0 || b->values.frames[b->values.depth - 1].flow) {
        return AIP_OK;
    }
    const char *why =
        yaml_layout_check_lines(&b->layout, start, event->end_mark.index, b->values.frames[b->values.depth - 1].column);
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
    AIP_TRY(check_decoration(b, event->data.scalar.anchor, event->data.scalar.tag, place, err));
    AIP_TRY(check_style(b, event, err));
    if (awaits_key(b)) {
        return add_key(b, text, plain, place, err);
    }
    AIP_TRY(check_string(text, "\t\r\n", place, err));
    AIP_TRY(yaml_values_anchor(&b->values, (const char *)event->data.scalar.anchor, place, err));
    return plain ? add_plain(b, text, place, err) : yaml_values_add_string(&b->values, text, place, err);
}

static aip_status
take_start(builder *b, const yaml_event_t *event, aip_error *err)
{
    bool mapping = event->type == YAML_MAPPING_START_EVENT;
    yaml_place place = place_of(event->start_mark);
    const yaml_char_t *anchor = mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
    AIP_TRY(check_decoration(b, anchor, mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag, place,
                             err));
    if (awaits_key(b)) {
        return yaml_refuse(err, AIP_CONFIG_INVALID, place, "a key is a string");
    }
    bool flow = mapping ? event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
                        : event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
    AIP_TRY(yaml_values_anchor(&b->values, (const char *)anchor, place, err));
    AIP_TRY(yaml_values_open(&b->values, mapping, place, err));
    b->values.frames[b->values.depth - 1].flow = flow;
    b->values.frames[b->values.depth - 1].start = event->start_mark.index;
    return AIP_OK;
}

static aip_status
take_alias(builder *b, const yaml_event_t *event, aip_error *err)
{
    yaml_place place = place_of(event->start_mark);
    if (!b->values.peer) {
        return yaml_refuse(err, AIP_CONFIG_INVALID, place, "aliases are not read here; write the value again");
    }
    if (awaits_key(b)) {
        return yaml_refuse(err, AIP_CONFIG_INVALID, place, "an alias as a key is not read here");
    }
    return yaml_values_repeat(&b->values, (const char *)event->data.alias.anchor, place, err);
}

static aip_status
take_document(const builder *b, const yaml_event_t *event, aip_error *err)
{
    yaml_place place = place_of(event->start_mark);
    const yaml_version_directive_t *version = event->data.document_start.version_directive;
    if (b->values.out->root != NULL) {
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
        return take_alias(b, event, err);
    case YAML_SCALAR_EVENT:
        return take_scalar(b, event, err);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return take_start(b, event, err);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->values.depth--;
        return b->values.frames[b->values.depth].flow
                   ? check_lines(b, b->values.frames[b->values.depth].start, event, err)
                   : AIP_OK;
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
    return b->values.out->root != NULL
               ? AIP_OK
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
    yaml_values_clear(&b->values);
    return status;
}

static aip_status
load(aip_bytes text, const yaml_limits *limits, bool peer, yaml_document *out, aip_error *err)
{
    builder b = {.values = {.limits = limits, .out = out, .peer = peer}};
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
    yaml_values_sort(out);
    return AIP_OK;
}

aip_status
yaml_load(aip_bytes text, const yaml_limits *limits, yaml_document *out, aip_error *err)
{
    return load(text, limits, false, out, err);
}

aip_status
yaml_load_peer(aip_bytes text, const yaml_limits *limits, yaml_document *out, aip_error *err)
{
    return load(text, limits, true, out, err);
}
