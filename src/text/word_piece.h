/* WordPiece: the longest token that fits, again and again; and WordLevel: the
 * whole word or nothing.
 *
 * Schuster, Nakajima, "Japanese and Korean Voice Search", 2012; details as in
 * huggingface/tokenizers. */
#ifndef OSMIA_TEXT_WORD_PIECE_H
#define OSMIA_TEXT_WORD_PIECE_H

#include "text/tokenizer.h"
#include "text/vocab.h"

struct word_piece {
    const struct vocab *vocab;
    struct slice        first, prefix;  /* written before what begins a word,
                                           and before what does not */
    size_t              max_chars;      /* longer words are unknown */
    int32_t             unk;            /* -1: not in the vocabulary */
    bool                whole_words;    /* WordLevel */
};

/* Append the ids of a word.  `room` is scratch. */
enum err word_piece_encode(const struct word_piece *w, struct slice word,
                           struct strbuf *room, struct tok_ids *out,
                           struct err_info *why);

#endif
