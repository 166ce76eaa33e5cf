/* The parts of the translator: escapes and classes (regex_class.c) below, the
 * structure (regex_parse.c) above. */
#ifndef OSMIA_TEXT_REGEX_READER_H
#define OSMIA_TEXT_REGEX_READER_H

#include "base/err.h"
#include "text/chars.h"
#include "text/code_set.h"

/* Code points that simple case folding changes, with what they become; made
 * when the first (?i) is met. */
struct fold_pair { uint32_t from, to; };

struct regex_reader {
    struct slice      in;
    size_t            at;
    bool              fold;          /* (?i) is on */
    struct fold_pair *folds;
    size_t            n_folds;
    struct err_info  *why;
};

/* The error `code`, at the place where the reader is. */
enum err reader_fail(struct regex_reader *r, enum err code, const char *what);

static inline bool reader_ends(const struct regex_reader *r)
{
    return r->at == r->in.len;
}

/* Pass over `text` if it comes next. */
bool reader_accept(struct regex_reader *r, const char *text);
/* The next character; the reader is not at its end. */
uint32_t reader_char(struct regex_reader *r);

/* What one escape, or one character, stands for. */
enum atom_kind { ATOM_CHAR, ATOM_SET, ATOM_ANCHOR };
struct atom {
    enum atom_kind  kind;
    uint32_t        cp;              /* CHAR; ANCHOR: the letter */
    struct code_set set;             /* SET, tidy */
};

/* Read the escape behind a backslash that has been read. */
enum err reader_escape(struct regex_reader *r, bool in_class,
                       struct atom *out);
/* Read a class behind its "[": its members, case folded, tidy. */
enum err reader_class(struct regex_reader *r, struct code_set *out);

/* Add what folds to the same as a member, if (?i) is on. */
enum err reader_fold(struct regex_reader *r, struct code_set *set);

#endif
