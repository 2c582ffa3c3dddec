/* What a server says on stderr, without the secrets in it where the policy wants that (`filter_stderr`). */
#ifndef GATEWAY_STDIO_WORDS_H
#define GATEWAY_STDIO_WORDS_H

#include "dlp/stream.h"
#include "gateway/gateway.h"

#define STDIO_WORDS_HELD_MICROSECONDS 1000000 /* the end of a text may be the beginning of a secret: held so long */

typedef struct {
    gateway *gateway;                 /* NULL: there are no rules */
    const gateway_settings *settings; /* held with the stream */
    uint64_t serial;                  /* of the rules that the stream is made of; 0: there is none */
    dlp_workspace *workspace;
    dlp_stream *stream;
    uint64_t since; /* monotonic microseconds, when the last line came; 0: nothing is held */
    void (*tell)(void *context, const char *line);
    void *context;
} stdio_words;

/* One line, printable. What may go out is told, line by line, now or later. */
void stdio_words_say(stdio_words *w, const char *route, const char *line, uint64_t now);
/* Tells what was held long enough, or with `all` everything. */
void stdio_words_let_go(stdio_words *w, uint64_t now, bool all);
void stdio_words_clear(stdio_words *w); /* tells nothing more */

#endif
