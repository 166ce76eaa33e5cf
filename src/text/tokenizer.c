/* Facts about a tokenizer, and single tokens. */
#include "text/tokenizer.h"
#include "base/utf8.h"
#include "text/tok_parts.h"
#include <stdlib.h>

/* ---- lists of ids ---- */

void tok_ids_drop(struct tok_ids *ids)
{
    free(ids->at);
    *ids = (struct tok_ids){ .n = 0 };
}

bool tok_ids_push(struct tok_ids *ids, int32_t id)
{
    if (ids->n == ids->cap) {
        size_t cap = ids->cap == 0 ? 64 : 2 * ids->cap;
        if (cap > SIZE_MAX / sizeof *ids->at)
            return false;
        int32_t *at = realloc(ids->at, cap * sizeof *at);
        if (at == NULL)
            return false;
        ids->at = at;
        ids->cap = cap;
    }
    ids->at[ids->n++] = id;
    return true;
}

/* ---- facts ---- */

size_t tok_size(const struct tokenizer *t)
{
    return t->vocab.n;
}

bool tok_has(const struct tokenizer *t, int32_t id)
{
    return vocab_has(&t->vocab, id);
}

const char *tok_kind(const struct tokenizer *t)
{
    static const char *const names[] = {
#define X(id, text) text,
        TOK_MODEL_LIST(X)
#undef X
    };
    return names[t->model];
}

int32_t tok_role_id(const struct tokenizer *t, enum tok_role role)
{
    return t->role[role];
}

const int32_t *tok_eos(const struct tokenizer *t, size_t *n)
{
    *n = t->eos.n;
    return t->eos.at;
}

bool tok_is_eos(const struct tokenizer *t, int32_t id)
{
    for (size_t i = 0; i < t->eos.n; i++)
        if (t->eos.at[i] == id)
            return true;
    return false;
}

const int32_t *tok_suppressed(const struct tokenizer *t, size_t *n)
{
    *n = t->suppressed.n;
    return t->suppressed.at;
}

/* Is the id among these?  The lists have one or two entries. */
static bool holds(const struct tok_ids *ids, int32_t id)
{
    for (size_t i = 0; i < ids->n; i++)
        if (ids->at[i] == id)
            return true;
    return false;
}

bool tok_adds_bos(const struct tokenizer *t)
{
    return t->role[TOK_ROLE_BOS] >= 0
        && holds(&t->before, t->role[TOK_ROLE_BOS]);
}

bool tok_adds_eos(const struct tokenizer *t)
{
    return t->role[TOK_ROLE_EOS] >= 0
        && holds(&t->after, t->role[TOK_ROLE_EOS]);
}

bool tok_is_special(const struct tokenizer *t, int32_t id)
{
    return vocab_has(&t->vocab, id)
        && vocab_marked(&t->vocab, id, VOCAB_SPECIAL);
}

struct slice tok_text(const struct tokenizer *t, int32_t id)
{
    return vocab_text(&t->vocab, id);
}

int32_t tok_find(const struct tokenizer *t, struct slice text)
{
    const struct added_token *a = added_by_text(&t->added, text);
    return a != NULL ? a->id : vocab_find(&t->vocab, text);
}
