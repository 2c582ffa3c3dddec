/* Header fields of HTTP, and what those of a fetched document mean. */
#ifndef NET_FIELD_H
#define NET_FIELD_H

#include <strings.h>

#include "aip/error.h"

/* A name or a word that has no case. */
static inline bool
field_is(aip_bytes text, const char *word)
{
    return text.size == strlen(word) && strncasecmp((const char *)text.data, word, text.size) == 0;
}

/* RFC 9110 section 5.6.2: what a field's name, among others, is made of. A space before the colon is none of it. */
bool field_is_token(aip_bytes text);

/* Splits a header line, without white space around the value. False: it is no field. */
bool field_split(aip_bytes line, aip_bytes *name, aip_bytes *value);

typedef struct {
    bool max_age_given, never_keep;
    int64_t max_age_seconds;
    unsigned codings;
    bool coding_unknown;
    bool framed; /* the length is given, or the reply comes in chunks */
} field_facts;

/* Takes Cache-Control, Content-Encoding, -Length and Transfer-Encoding into account, in any number. */
void field_note(field_facts *facts, aip_bytes name, aip_bytes value);

/* Seconds; 0 for no-store, no-cache and what cannot be read; the least of several; -1 = none was given. */
int64_t field_max_age(const field_facts *facts);

/* At most one coding, gzip or deflate: what is packed twice could be vast in between. */
bool field_coding_is_known(const field_facts *facts);

#endif
