/* Calls that a person is asked about, what persons said, and how often anybody may be asked: rules without clock,
 * thread or socket (spec/approval.md). */
#ifndef GATEWAY_PROMPTS_H
#define GATEWAY_PROMPTS_H

#include "gateway/question.h"

enum {
    PROMPT_ID_SIZE = 17,          /* 64 random bits as hexadecimal digits, and a NUL */
    PROMPT_BY_SIZE = 64,          /* who said so */
    PROMPT_WORDS_MAX = 1024,      /* that hold for some time: beyond, the one that ends soonest goes */
    PROMPT_MINUTES_MAX = 24 * 60, /* so long a word holds at most */
};

typedef enum {
    PROMPT_WAITS,
    PROMPT_ALLOWED,  /* by a person, about this very prompt */
    PROMPT_STANDING, /* by what a person said of the same call before */
    PROMPT_DENIED,
    PROMPT_TIMED_OUT,
    PROMPT_BURST,     /* one more than may be shown within a minute: nobody is asked for a while */
    PROMPT_COOLING,   /* … and this is within that while */
    PROMPT_WITHDRAWN, /* its caller went away, or took it back */
} prompt_state;

typedef struct prompt prompt;
struct prompt {
    char id[PROMPT_ID_SIZE];
    question *q; /* who asked and what about; the caller's */
    prompt_state state;
    uint64_t asked, until; /* microseconds, as all times here */
    uint32_t minutes;      /* of one that was allowed: so long it holds for the same call; 0: once */
    char by[PROMPT_BY_SIZE];
    prompt *next;
};

/* What a person said of a call, and that holds for some time. */
typedef struct {
    char id[PROMPT_ID_SIZE]; /* of the prompt that it answered */
    char by[PROMPT_BY_SIZE];
    char *shown; /* of that prompt: what the word is about */
    unsigned char digest[32];
    uint64_t until;
} prompt_word;

typedef struct prompts prompts;

AIP_MUST_CHECK aip_status prompts_new(prompts **out, aip_error *err);
void prompts_free(prompts **ps); /* there is none left that waits */

/* Takes the question, whose `digest`, `approval` and `text` say what is asked and how. The prompt waits, or its state
 * tells already how it ended. Errors: memory; then the question is still the caller's. */
AIP_MUST_CHECK aip_status prompts_ask(prompts *ps, question *q, uint64_t now, prompt **out, aip_error *err);

/* `minutes` 0: this call and no other. Otherwise all calls of the same digest, for so long. approval.unknown; usage. */
AIP_MUST_CHECK aip_status prompts_allow(prompts *ps, const char *id, uint32_t minutes, const char *by, uint64_t now,
                                        aip_error *err);
/* Denies what waits; of a word that holds, ends it. approval.unknown. */
AIP_MUST_CHECK aip_status prompts_deny(prompts *ps, const char *id, const char *by, uint64_t now, aip_error *err);
/* Those whose question says that nobody waits any more; with `call`, also the one that is that call. */
void prompts_withdraw(prompts *ps, const unsigned char *call);
/* All that waits is withdrawn: the end. */
void prompts_withdraw_all(prompts *ps);
/* Ends what waited too long and words that held long enough. */
void prompts_expire(prompts *ps, uint64_t now);

/* The next that ended, taken out, or NULL; prompt_free frees it, without its question. */
prompt *prompts_take_ended(prompts *ps);
void prompt_free(prompt **p);

const prompt *prompts_find(const prompts *ps, const char *id); /* of those that wait; or NULL */
const prompt *prompts_first(const prompts *ps);                /* oldest first, also those that ended meanwhile */
const prompt_word *prompts_words(const prompts *ps, size_t *count);
size_t prompts_waiting(const prompts *ps);
uint64_t prompts_next_end(const prompts *ps); /* when the next one ends by itself; UINT64_MAX: none does */

#endif
