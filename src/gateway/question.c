/* Questions and lists of them. */
#include "gateway/question.h"

#include <stdlib.h>

aip_status
question_new(mailbox *home, question_kind kind, aip_bytes name, question **out, aip_error *err)
{
    *out = NULL;
    if (name.size == 0 || name.size > AIP_IDENTIFIER_BYTES_MAX) {
        return aip_fail(err, AIP_DID_INVALID, NULL);
    }
    question *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    l->home = home;
    l->kind = kind;
    l->status = AIP_INTERNAL; /* until the thread says otherwise: an answer that was forgotten is no good one */
    memcpy(l->name, name.data, name.size);
    *out = l;
    return AIP_OK;
}

void
question_free(question **l)
{
    if (*l != NULL) {
        text_clear(&(*l)->text);
        free(*l);
        *l = NULL;
    }
}

void
question_list_add(question_list *list, question *l)
{
    l->next = NULL;
    l->previous = list->last;
    if (list->last != NULL) {
        list->last->next = l;
    } else {
        list->first = l;
    }
    list->last = l;
}

void
question_list_remove(question_list *list, question *l)
{
    if (l->previous != NULL) {
        l->previous->next = l->next;
    } else {
        list->first = l->next;
    }
    if (l->next != NULL) {
        l->next->previous = l->previous;
    } else {
        list->last = l->previous;
    }
    l->next = l->previous = NULL;
}

question *
question_list_take(question_list *list)
{
    question *l = list->first;
    if (l != NULL) {
        question_list_remove(list, l);
    }
    return l;
}

void
question_list_free(question_list *list)
{
    for (question *l = question_list_take(list); l != NULL; l = question_list_take(list)) {
        question_free(&l);
    }
}
