/* What a tokenizer consists of: for the files tok_*.c, tokenizer.c only. */
#ifndef OSMIA_TEXT_TOK_PARTS_H
#define OSMIA_TEXT_TOK_PARTS_H

#include "base/arena.h"
#include "base/json.h"
#include "text/added.h"
#include "text/bpe.h"
#include "text/decoder.h"
#include "text/pretokenizer.h"
#include "text/spm.h"
#include "text/unigram.h"
#include "text/word_piece.h"

#define TOK_MODEL_LIST(X)                                                    \
    X(BPE, "bpe") X(SPM, "spm") X(UNIGRAM, "unigram")                        \
    X(WORD_PIECE, "wordpiece") X(WORD_LEVEL, "wordlevel")

enum tok_model {
#define X(id, text) TOK_MODEL_##id,
    TOK_MODEL_LIST(X)
#undef X
    TOK_N_MODELS
};

struct tokenizer {
    enum tok_model       model;
    struct vocab         vocab;         /* added tokens included */
    struct bpe           bpe;           /* the one of these that `model` says */
    struct spm           spm;
    struct unigram       unigram;
    struct word_piece    word_piece;    /* and WORD_LEVEL */
    struct added         added;
    int64_t              top_added;     /* largest id of an added token */
    size_t               n_model;       /* tokens of the model alone */
    struct normalizer   *normalizer;
    struct pretokenizer *pre;
    bool                 raw_bytes;     /* pieces come unmapped */
    struct decoder      *decoder;
    bool                 byte_pieces;   /* texts are mapped bytes */
    struct tok_ids       before, after; /* what TOK_ADD_SPECIAL adds */
    bool                 is_parted;     /* by a TemplateProcessing, while opening */
    int32_t              role[TOK_N_ROLES];     /* -1: none */
    struct tok_ids       eos, suppressed;       /* ascending, unique */
    const struct notices *notices;      /* while opening */
    bool                 told_ids;      /* a notice about ids was given */
    struct arena         arena;         /* strings of all parts */
};

/* ---- filling (tok_open.c) ---- */

/* An added token with the rules of the reference: the id of the vocabulary when
 * the text is there, else the next free one.  `wanted` is the id that the file
 * says (-1: none): a notice tells when it is not that.  Of two with the same
 * text the later one's flags count. */
enum err tok_add(struct tokenizer *t, struct added_token token, int64_t wanted,
                 struct err_info *why);
/* Give a role an id from a file; out of range: none, with a notice. */
void tok_set_role(struct tokenizer *t, enum tok_role role, int64_t id);
const char *tok_role_name(enum tok_role role);
/* Add an id to a sorted list without repetition; out of range: a notice. */
enum err tok_list_id(struct tokenizer *t, struct tok_ids *list, int64_t id,
                     const char *what, struct err_info *why);

/* ---- the sources ---- */

/* tokenizer.json, or vocab.json + merges.txt: everything but roles. */
enum err tok_json_open(struct tokenizer *t, const struct tok_source *src,
                       struct err_info *why);
enum err tok_files_open(struct tokenizer *t, const struct tok_source *src,
                        struct err_info *why);
/* The model object of tokenizer.json: r stands behind its opening bracket. */
enum err tok_model_read(struct tokenizer *t, struct json_reader *r,
                        struct err_info *why);
/* "post_processor" */
enum err tok_post_read(struct tokenizer *t, const struct json *spec,
                       struct err_info *why);
/* The components from their JSON texts (empty: the default). */
struct tok_specs {
    struct slice normalizer, pre_tokenizer, post_processor, decoder;
    bool         keep_pre;          /* t->pre is there already */
};
enum err tok_specs_open(struct tokenizer *t, const struct tok_specs *specs,
                        struct err_info *why);
/* tokenizer_config.json, special_tokens_map.json, added_tokens.json */
enum err tok_config_apply(struct tokenizer *t, const struct tok_source *src,
                          struct err_info *why);
/* A vocabulary in GGUF metadata: everything, roles too. */
enum err tok_gguf_open(struct tokenizer *t, const struct tok_source *src,
                       struct err_info *why);

#endif
