/* Added tokens: texts that are found in the input before anything else looks at
 * it, as huggingface/tokenizers does it (tokenizer/added_vocabulary.rs). */
#ifndef OSMIA_TEXT_ADDED_H
#define OSMIA_TEXT_ADDED_H

#include "base/arena.h"
#include "text/normalizer.h"
#include "text/trie.h"

struct added_token {
    struct slice content;
    struct slice shown;             /* by added_index: the text it decodes to:
                                       its normal form, when normalized */
    int32_t      id;
    bool         single_word;       /* only where no letter touches it */
    bool         lstrip, rstrip;    /* takes white space beside it along */
    bool         normalized;        /* is looked for in normalised text */
    bool         special;
};

/* Zero-initialised is empty. */
struct added {
    struct added_token *at;
    size_t              n, cap;
    struct trie         names;          /* content -> index */
    struct trie         raw, normal;    /* by added_index */
    struct arena        forms;
};

void added_drop(struct added *a);
/* Append; there is none with this content yet.  `content` outlives a. */
enum err added_push(struct added *a, struct added_token token,
                    struct err_info *why);
/* The token with this content; NULL: none. */
struct added_token *added_by_text(const struct added *a, struct slice content);
/* Build what is needed for scanning; normal forms by `n`. */
enum err added_index(struct added *a, const struct normalizer *n,
                     struct err_info *why);

/* ---- cutting a text at its added tokens ---- */

struct added_part {
    const struct added_token *token;    /* NULL: text between tokens */
    size_t                    at, len;
};

struct added_scan {
    const struct added *added;
    const struct trie  *trie;           /* &added->raw or &added->normal */
    struct slice        text;
    bool                skip_special;   /* special tokens count as text */
    size_t              from;           /* where the search goes on */
    size_t              done;           /* what was given out ends here */
    size_t              space_end;      /* of the run taken along last */
    struct added_part   held;           /* a token behind the text given out */
};

void added_scan_init(struct added_scan *s, const struct added *a,
                     const struct trie *trie, struct slice text,
                     bool skip_special);
/* The next part in order; false: that was all.  Parts may overlap when a token
 * is found in white space that the one before it took along. */
bool added_scan_next(struct added_scan *s, struct added_part *part);

#endif
