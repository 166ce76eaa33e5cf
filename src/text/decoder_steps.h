/* The kinds of decoder steps: private to decoder*.c. */
#ifndef OSMIA_TEXT_DECODER_STEPS_H
#define OSMIA_TEXT_DECODER_STEPS_H

#include "base/arena.h"
#include "text/decoder.h"
#include "text/normalizer.h"

enum { DECODER_MAX_STEPS = 16 };

struct step_kind;

struct step {
    const struct step_kind *kind;
    struct slice text, other;       /* prefix, suffix, content, pad ... */
    size_t       start, stop;       /* Strip */
    bool         cleanup, never;    /* WordPiece, CTC; prepend_scheme never */
    bool         one_char;          /* Replace: the pattern is one character */
    bool         in_parts;          /* what comes in is one token in parts */
    struct normalizer *replace;
};

/* What a step remembers during one run. */
struct step_state {
    size_t        n_seen;           /* tokens so far (1 at first, when other
                                       text stands before) */
    bool          holds;            /* BPEDecoder: a token waits in `held` */
    struct strbuf held, made;
};

struct decoder {
    struct step  steps[DECODER_MAX_STEPS];
    size_t       n_steps;
    struct arena arena;
};

struct decoder_run {
    const struct decoder *d;
    unsigned              flags;
    struct step_state     state[DECODER_MAX_STEPS];
    struct strbuf         tail;     /* an unfinished character at the end */
    struct strbuf        *out;      /* of the call that runs */
    enum err              e;        /* sticks, during a call */
    struct err_info      *why;
};

/* A step gets a token, or with in_parts the next part of the only one, and
 * gives what it makes of it to step_give.  `end` comes once, at last. */
struct step_kind {
    const char *name;
    enum err (*read)(struct step *s, const struct json *spec,
                     struct arena *arena, struct err_info *why);
    void (*push)(struct decoder_run *r, size_t i, struct slice text);
    void (*end)(struct decoder_run *r, size_t i);
    bool fuses;                     /* makes one token of all */
    bool (*takes_parts)(const struct step *s);      /* NULL: it cannot */
};

/* Kinds by their "type"; NULL: unknown. */
const struct step_kind *step_kind_find(struct slice type);
extern const struct step_kind step_join, step_collect;

/* Hand a text to the step behind step i (or to the output). */
void step_give(struct decoder_run *r, size_t i, struct slice text);
/* The step's `made` buffer, emptied. */
struct strbuf *step_made(struct decoder_run *r, size_t i);

#endif
