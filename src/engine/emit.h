/* Tokens out as text: whole characters only, nothing that may still become a
 * stop string. */
#ifndef OSMIA_ENGINE_EMIT_H
#define OSMIA_ENGINE_EMIT_H

#include "text/stops.h"
#include "text/tokenizer.h"

struct emit {
    const struct tokenizer *tok;     /* NULL: there is no text */
    struct tok_stream       stream;
    struct stops            stops;
    const int32_t          *shown;   /* see emit_options */
    size_t                  n_shown;
    struct strbuf           fresh;   /* decoded, not yet searched */
    struct strbuf           safe;    /* what may be shown now */
    bool                    stopped; /* a stop string was completed */
};

struct emit_options {
    const struct slice *stops;       /* outlive the emit */
    size_t              n_stops;
    bool                show_special, continues;
    const int32_t      *shown;       /* special tokens that are shown all the */
    size_t              n_shown;     /*   same; outlive the emit */
};

void emit_init(struct emit *e, const struct tokenizer *tok,
               const struct emit_options *o);
void emit_drop(struct emit *e);

/* One token; what may be shown now is in e->safe until the next call.  When
 * e->stopped is set by it, no more tokens may come. */
enum err emit_token(struct emit *e, int32_t id, struct err_info *why);
/* The end: what was held back is in e->safe (nothing behind a stop string). */
enum err emit_end(struct emit *e, struct err_info *why);

#endif
