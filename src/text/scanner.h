/* Hand-written scanners for the regular expressions of known tokenizers.
 *
 * Each finds exactly the matches of its expression (leftmost, alternatives in
 * order, greedy with backtracking, in Oniguruma's sense) in linear time, over
 * tables of our own, so that ids are equal on every system. */
#ifndef OSMIA_TEXT_SCANNER_H
#define OSMIA_TEXT_SCANNER_H

#include "text/chars.h"

struct span { size_t at, end; };

/* What a scanner remembers from one match to the next in the same text: the run
 * of digits that it is in ends at run_end, and at `at` there are `left` of them
 * to come.  Zero-initialised is "nothing". */
struct scan_memo { size_t at, left, run_end; };

struct scanner;
typedef bool scan_fn(const struct scanner *self, struct slice text,
                     size_t from, struct scan_memo *memo, struct span *out);

/* `find` puts the leftmost match at or after `from` (<= text.len); false: there
 * is none.  `rules` is its own. */
struct scanner {
    scan_fn    *find;
    const void *rules;
};

/* The scanner of an expression in exactly this spelling, or NULL. */
const struct scanner *scanner_for(struct slice pattern);

/* The i-th spelling that scanner_for knows; NULL behind the last. */
const char *scanner_pattern(size_t i);

/* ---- the kinds of rules ---- */

/* GPT-2 and everything that came of it:
 *
 *   han run | contraction | punctuation word | prefix? word suffix? | digits
 *   | " "? other tail | white space with its newlines | white space
 *
 * where each family leaves some alternatives out. */
enum word_kind {
    WORD_RUN,        /* [set]+ */
    WORD_CASED,      /* [upper]*[lower]+ | [upper]+[lower]*, of one prefix */
    WORD_SPACED      /* (L M* (" " L M*)*)+ */
};
enum contraction {
    CONTRACT_NONE,
    CONTRACT_LOWER,  /* 's|'t|'re|'ve|'m|'ll|'d */
    CONTRACT_FOLD,   /* the same in any case */
    CONTRACT_SUFFIX  /* in any case, behind a word */
};
enum newlines {
    NEWLINES_NONE,
    NEWLINES_LAST,   /* \s*[\r\n]+ and \s*[\r\n], which match the same */
    NEWLINES_ONE     /* [\r\n] */
};

struct word_rules {
    bool             han_first;        /* \p{Han}+ before all else */
    enum contraction contraction;
    bool             punct_word;       /* ASCII punctuation, [A-Za-z]+ */
    bool             prefix_space;     /* the prefix may only be " " */
    uint32_t         prefix_none;      /* else: [^\r\n...]? without these */
    enum word_kind   word;
    uint32_t         word_set;         /* of WORD_RUN */
    uint32_t         word_none;        /* not in words, whatever the kind */
    bool             digits, digits_space;   /* has \p{N}; with " "? */
    size_t           max_digits;       /* 0: any number */
    uint32_t         other, other_none;      /* (any of, none of) */
    size_t           tail_max;         /* [\r\n] behind other, at most */
    bool             tail_slash;       /* [\r\n/] there */
    enum newlines    newlines;
    bool             space_to_end;     /* \s++$ before the newlines */
    bool             space_steps;      /* \s{512}(?!\S), 256, ... 4, 1 to 2 */
};
scan_fn scan_words;

/* One class: " "? or \s? in front, then [class]{min,max}. */
enum run_prefix { RUN_BARE, RUN_SPACE, RUN_ANY_SPACE };
struct run_rules {
    enum run_prefix   prefix;
    struct char_class set;
    size_t            min, max;        /* max 0: any number */
};
scan_fn scan_runs;

scan_fn scan_lines;            /* [^\n]+|[\n]+ */
scan_fn scan_word_runs;        /* \w+|[^\w\s]+ (with Rust's \w) */
scan_fn scan_space_at_end;     /* \s+$ */

/* Digits in groups of three, counted from the right end of their run. */
struct group_rules {
    struct char_class set;
    bool              cuts;          /* empty matches in front of full groups */
    bool              to_boundary;   /* only if the run ends with \b */
};
scan_fn scan_groups;

#endif
