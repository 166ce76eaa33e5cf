/* The "model" object of tokenizer.json, read as it comes.
 *
 * The vocabulary and the merges are the big parts (30 MB and more): they are
 * read once, straight into their tables, and their texts stay in the file.  The
 * members may come in any order; merges that come too early are passed over and
 * read at the end. */
#include "text/tok_parts.h"

/* What was read beside the tables. */
struct model_spec {
    struct slice type, unk_token, prefix, suffix;   /* at NULL: not there */
    struct slice merges_raw;        /* put off */
    bool         has_vocab, is_list, has_merges, has_prefix;
    bool         byte_fallback, fuse_unk, ignore_merges;
    int64_t      unk_id;
    size_t       max_chars;
};

static enum err wrong_kind(const char *what, const char *expected,
                           struct err_info *why)
{
    return fail(why, ERR_FORMAT, "model: %s must be %s", what, expected);
}

/* The meaning of a string token: as written, or resolved into `room`. */
static struct slice text_of(const struct json_token *t, struct strbuf *room)
{
    if (!t->text_escaped)
        return t->text;
    strbuf_clear(room);
    json_unescape(room, t->text);
    return strbuf_slice(room);
}

/* ---- the vocabulary ---- */

/* {"text": id, ...}; its opening bracket was read. */
static enum err read_vocab_object(struct tokenizer *t, struct json_reader *r,
                                  struct err_info *why)
{
    struct json_token k;
    enum err e;

    while ((e = json_next(r, &k, why)) == ERR_OK && k.kind != JSON_END) {
        if (k.kind != JSON_INT || k.integer.negative)
            return wrong_kind("every value of vocab", "an id", why);
        e = vocab_put(&t->vocab, k.integer.magnitude, k.key, k.key_escaped,
                      why);
        if (e != ERR_OK)
            return e;
    }
    return e;
}

/* A score as the reference's JSON reader (serde_json) gets it: all digits as an
 * integer, rounded, divided by a power of ten, rounded again.  That is not
 * always the nearest double, and the last bit decides between two cuts of
 * "!!!!!" that consist of the same pieces.  Powers up to 10^22 are exact;
 * beyond them, and with an exponent, the nearest double is taken. */
static double score_of(const struct json_token *t)
{
    uint64_t digits = 0;
    unsigned n_behind = 0;
    bool point = false;
    double power = 1;

    if (slice_find(t->text, SLICE("e"), 0) != t->text.len
        || slice_find(t->text, SLICE("E"), 0) != t->text.len)
        return t->number;
    for (size_t i = t->text.at[0] == '-'; i < t->text.len; i++) {
        char c = t->text.at[i];
        if (c == '.') {
            point = true;
            continue;
        }
        if (n_behind == 22)
            return t->number;
        if (digits > (UINT64_MAX - (uint64_t)(c - '0')) / 10) {
            if (!point)
                return t->number;
            break;
        }
        digits = 10 * digits + (uint64_t)(c - '0');
        n_behind += point;
    }
    for (unsigned i = 0; i < n_behind; i++)
        power *= 10;
    double score = (double)digits / power;
    return t->text.at[0] == '-' ? -score : score;
}

/* One [piece, score]; the opening bracket was read. */
static enum err read_scored(struct tokenizer *t, struct json_reader *r,
                            struct err_info *why)
{
    struct json_token piece, score, end;
    enum err e = json_next(r, &piece, why);

    if (e == ERR_OK && piece.kind == JSON_STRING)
        e = json_next(r, &score, why);
    else
        return e != ERR_OK ? e
             : wrong_kind("every entry of vocab", "[piece, score]", why);
    if (e == ERR_OK && (score.kind == JSON_INT || score.kind == JSON_FLOAT))
        e = json_next(r, &end, why);
    else
        return e != ERR_OK ? e
             : wrong_kind("every entry of vocab", "[piece, score]", why);
    if (e != ERR_OK)
        return e;
    if (end.kind != JSON_END)
        return wrong_kind("every entry of vocab", "[piece, score]", why);
    e = vocab_put(&t->vocab, t->unigram.n_scores, piece.text,
                  piece.text_escaped, why);
    return e != ERR_OK ? e : unigram_push_score(&t->unigram, score_of(&score),
                                              why);
}

/* [[piece, score], ...]: the place in the list is the id. */
static enum err read_vocab_list(struct tokenizer *t, struct json_reader *r,
                                struct err_info *why)
{
    struct json_token k;
    enum err e;

    while ((e = json_next(r, &k, why)) == ERR_OK && k.kind != JSON_END) {
        if (k.kind != JSON_ARRAY)
            return wrong_kind("every entry of vocab", "[piece, score]", why);
        e = read_scored(t, r, why);
        if (e != ERR_OK)
            return e;
    }
    return e;
}

static enum err read_vocab(struct tokenizer *t, struct json_reader *r,
                           const struct json_token *k, struct model_spec *m,
                           struct err_info *why)
{
    if (k->kind != JSON_OBJECT && k->kind != JSON_ARRAY)
        return wrong_kind("\"vocab\"", "an object or an array", why);
    m->has_vocab = true;
    m->is_list = k->kind == JSON_ARRAY;
    enum err e = m->is_list ? read_vocab_list(t, r, why)
                            : read_vocab_object(t, r, why);
    if (e != ERR_OK)
        return e;
    e = vocab_index(&t->vocab, m->is_list ? VOCAB_LAST_TWIN : VOCAB_NO_TWINS,
                    why);
    if (e == ERR_OK)
        bpe_init(&t->bpe, &t->vocab);
    return e;
}

/* ---- the merges ---- */

struct merge_rooms {
    struct strbuf left, right;
};

/* "left right".  Neither may contain a space, so newer files write pairs. */
static enum err add_written(struct tokenizer *t, const struct json_token *k,
                            struct strbuf *room, struct err_info *why)
{
    struct slice both = text_of(k, room);
    size_t space = slice_find(both, SLICE(" "), 0);

    if (room->failed)
        return fail_nomem(why);
    if (slice_starts(both, SLICE("#version")))
        return ERR_OK;
    if (space == both.len
        || slice_find(both, SLICE(" "), space + 1) != both.len)
        return fail(why, ERR_FORMAT, "model: merge %zu is not two tokens with "
                    "one space between them", t->bpe.n_merges);
    enum err e = bpe_add_merge(&t->bpe, (struct slice){ both.at, space },
                               slice_from(both, space + 1), why);
    return e == ERR_OK && k->text_escaped ? bpe_flush(&t->bpe, why) : e;
}

/* One [left, right]; the opening bracket was read. */
static enum err add_pair(struct tokenizer *t, struct json_reader *r,
                         struct merge_rooms *rooms, struct err_info *why)
{
    struct json_token left, right, end;
    enum err e = json_next(r, &left, why);

    if (e == ERR_OK && left.kind == JSON_STRING)
        e = json_next(r, &right, why);
    else
        return e != ERR_OK ? e : wrong_kind("every merge", "two strings", why);
    if (e == ERR_OK && right.kind == JSON_STRING)
        e = json_next(r, &end, why);
    else
        return e != ERR_OK ? e : wrong_kind("every merge", "two strings", why);
    if (e != ERR_OK)
        return e;
    if (end.kind != JSON_END)
        return wrong_kind("every merge", "two strings", why);
    struct slice a = text_of(&left, &rooms->left);
    struct slice b = text_of(&right, &rooms->right);
    if (rooms->left.failed || rooms->right.failed)
        return fail_nomem(why);
    e = bpe_add_merge(&t->bpe, a, b, why);
    /* The next merge will use the rooms again. */
    if (e == ERR_OK && (left.text_escaped || right.text_escaped))
        e = bpe_flush(&t->bpe, why);
    return e;
}

/* The whole list, in both ways of writing; its opening bracket was read. */
static enum err read_merges(struct tokenizer *t, struct json_reader *r,
                            struct err_info *why)
{
    struct merge_rooms rooms = { .left = { .at = NULL } };
    struct json_token k;
    enum err e;

    while ((e = json_next(r, &k, why)) == ERR_OK && k.kind != JSON_END) {
        if (k.kind == JSON_ARRAY)
            e = add_pair(t, r, &rooms, why);
        else if (k.kind == JSON_STRING)
            e = add_written(t, &k, &rooms.left, why);
        else
            e = wrong_kind("every merge", "a string or two strings", why);
        if (e != ERR_OK)
            break;
    }
    strbuf_drop(&rooms.left);
    strbuf_drop(&rooms.right);
    return e;
}

/* ---- the options ---- */

/* Options are few and short: they are copied, so that escapes do not matter
 * later.  null leaves the default. */
static enum err keep_text(struct tokenizer *t, const struct json_token *k,
                          struct slice *out, const char *name,
                          struct err_info *why)
{
    struct strbuf room = { .at = NULL };

    if (k->kind == JSON_NULL)
        return ERR_OK;
    if (k->kind != JSON_STRING)
        return wrong_kind(name, "a string", why);
    *out = arena_copy(&t->arena, text_of(k, &room));
    bool failed = room.failed || out->at == NULL;
    strbuf_drop(&room);
    return failed ? fail_nomem(why) : ERR_OK;
}

static enum err keep_bool(const struct json_token *k, bool *out,
                          const char *name, struct err_info *why)
{
    if (k->kind != JSON_BOOL && k->kind != JSON_NULL)
        return wrong_kind(name, "true or false", why);
    *out = k->kind == JSON_BOOL && k->boolean;
    return ERR_OK;
}

static enum err refuse_dropout(const struct json_token *k, struct err_info *why)
{
    bool none = k->kind == JSON_NULL
             || ((k->kind == JSON_INT || k->kind == JSON_FLOAT)
                 && k->number == 0);
    return none ? ERR_OK : fail(why, ERR_UNKNOWN, "model: \"dropout\" other "
                                "than 0 is not supported: ids would be random");
}

static enum err keep_count(const struct json_token *k, int64_t *out,
                           const char *name, struct err_info *why)
{
    if (k->kind == JSON_NULL)
        return ERR_OK;
    if (k->kind != JSON_INT || k->integer.negative
        || k->integer.magnitude > INT32_MAX)
        return wrong_kind(name, "a number from 0 to 2147483647", why);
    *out = (int64_t)k->integer.magnitude;
    return ERR_OK;
}

/* Everything in the model that is not big.  Options of other kinds of models
 * are read, too, and have no effect: the type may come last. */
static enum err read_option(struct tokenizer *t, struct json_reader *r,
                            const struct json_token *k, struct model_spec *m,
                            struct err_info *why)
{
    int64_t max_chars = (int64_t)m->max_chars;
    enum err e = ERR_OK;

    m->has_prefix |= slice_is(k->key, "continuing_subword_prefix");
    if (slice_is(k->key, "type"))
        e = keep_text(t, k, &m->type, "\"type\"", why);
    else if (slice_is(k->key, "unk_token"))
        e = keep_text(t, k, &m->unk_token, "\"unk_token\"", why);
    else if (slice_is(k->key, "continuing_subword_prefix"))
        e = keep_text(t, k, &m->prefix, "\"continuing_subword_prefix\"", why);
    else if (slice_is(k->key, "end_of_word_suffix"))
        e = keep_text(t, k, &m->suffix, "\"end_of_word_suffix\"", why);
    else if (slice_is(k->key, "byte_fallback"))
        e = keep_bool(k, &m->byte_fallback, "\"byte_fallback\"", why);
    else if (slice_is(k->key, "fuse_unk"))
        e = keep_bool(k, &m->fuse_unk, "\"fuse_unk\"", why);
    else if (slice_is(k->key, "ignore_merges"))
        e = keep_bool(k, &m->ignore_merges, "\"ignore_merges\"", why);
    else if (slice_is(k->key, "unk_id"))
        e = keep_count(k, &m->unk_id, "\"unk_id\"", why);
    else if (slice_is(k->key, "max_input_chars_per_word"))
        e = keep_count(k, &max_chars, "\"max_input_chars_per_word\"", why);
    else if (slice_is(k->key, "dropout"))
        e = refuse_dropout(k, why);
    else
        return json_skip(r, k, NULL, why);
    m->max_chars = (size_t)max_chars;
    return e;
}

static enum err read_member(struct tokenizer *t, struct json_reader *r,
                            const struct json_token *k, struct model_spec *m,
                            struct err_info *why)
{
    if (slice_is(k->key, "vocab"))
        return m->has_vocab ? fail(why, ERR_FORMAT, "model: two \"vocab\"")
                            : read_vocab(t, r, k, m, why);
    if (!slice_is(k->key, "merges"))
        return read_option(t, r, k, m, why);
    if (m->has_merges)
        return fail(why, ERR_FORMAT, "model: two \"merges\"");
    if (k->kind != JSON_ARRAY)
        return wrong_kind("\"merges\"", "an array", why);
    m->has_merges = true;
    /* The vocabulary and the prefix must be known before the first merge is
     * looked up; the reference writes both before. */
    if (!m->has_vocab || m->is_list || !m->has_prefix)
        return json_skip(r, k, &m->merges_raw, why);
    t->bpe.prefix = m->prefix;
    return read_merges(t, r, why);
}

/* ---- putting it together ---- */

/* All members were read: now the options reach the model. */
static enum err finish_bpe(struct tokenizer *t, const struct model_spec *m,
                           struct err_info *why)
{
    struct bpe *b = &t->bpe;
    struct json_reader r;
    struct json_token k;
    enum err e = ERR_OK;

    if (!m->has_merges || m->is_list)
        return fail(why, ERR_FORMAT, "model: BPE needs \"vocab\" (an object) "
                    "and \"merges\"");
    b->prefix = m->prefix;
    b->suffix = m->suffix;
    b->byte_fallback = m->byte_fallback;
    b->fuse_unk = m->fuse_unk;
    b->ignore_merges = m->ignore_merges;
    if (m->unk_token.at != NULL) {
        b->unk = vocab_find(&t->vocab, m->unk_token);
        if (b->unk < 0)
            b->unk = BPE_UNK_MISSING;
    }
    if (m->merges_raw.at != NULL) {
        json_reader_init(&r, m->merges_raw, JSON_DEPTH);
        e = json_next(&r, &k, why);
        if (e == ERR_OK)
            e = read_merges(t, &r, why);
    }
    t->model = TOK_MODEL_BPE;
    return e != ERR_OK ? e : bpe_finish(b, why);
}

static enum err finish_unigram(struct tokenizer *t, const struct model_spec *m,
                               struct err_info *why)
{
    if (!m->is_list)
        return fail(why, ERR_FORMAT, "model: Unigram needs \"vocab\", an array "
                    "of [piece, score]");
    if (m->unk_id >= (int64_t)t->vocab.n)
        return fail(why, ERR_FORMAT, "model: \"unk_id\" is %lld, but there are "
                    "%zu tokens", (long long)m->unk_id, t->vocab.n);
    t->unigram.unk = m->unk_id;
    t->unigram.byte_fallback = m->byte_fallback;
    t->model = TOK_MODEL_UNIGRAM;
    return unigram_finish(&t->unigram, &t->vocab, NULL, NULL, why);
}

static enum err finish_words(struct tokenizer *t, const struct model_spec *m,
                             bool whole_words, struct err_info *why)
{
    if (m->is_list)
        return fail(why, ERR_FORMAT, "model: \"vocab\" must be an object");
    struct slice unk = m->unk_token.at != NULL ? m->unk_token
                     : whole_words ? SLICE("<unk>") : SLICE("[UNK]");
    t->word_piece = (struct word_piece){
        .vocab = &t->vocab,
        .prefix = m->prefix.at != NULL ? m->prefix : SLICE("##"),
        .max_chars = m->max_chars,
        .unk = vocab_find(&t->vocab, unk),
        .whole_words = whole_words,
    };
    t->model = whole_words ? TOK_MODEL_WORD_LEVEL : TOK_MODEL_WORD_PIECE;
    return ERR_OK;
}

/* Old files do not say the type; their members tell it. */
static struct slice guess_type(const struct model_spec *m)
{
    return m->is_list ? SLICE("Unigram") : m->has_merges ? SLICE("BPE")
         : m->prefix.at != NULL ? SLICE("WordPiece") : SLICE("WordLevel");
}

static enum err finish(struct tokenizer *t, struct model_spec *m,
                       struct err_info *why)
{
    if (!m->has_vocab)
        return fail(why, ERR_FORMAT, "model: \"vocab\" is missing");
    t->n_model = t->vocab.n_tokens;
    if (m->type.at == NULL)
        m->type = guess_type(m);
    if (slice_is(m->type, "BPE"))
        return finish_bpe(t, m, why);
    if (slice_is(m->type, "Unigram"))
        return finish_unigram(t, m, why);
    if (slice_is(m->type, "WordPiece") || slice_is(m->type, "WordLevel"))
        return finish_words(t, m, slice_is(m->type, "WordLevel"), why);
    return fail(why, ERR_UNKNOWN, "model: type \"%.*s\" is not supported",
                (int)(m->type.len > 100 ? 100 : m->type.len), m->type.at);
}

enum err tok_model_read(struct tokenizer *t, struct json_reader *r,
                        struct err_info *why)
{
    struct model_spec m = { .unk_id = -1, .max_chars = 100 };
    struct json_token k;
    enum err e;

    while ((e = json_next(r, &k, why)) == ERR_OK && k.kind != JSON_END)
        if ((e = read_member(t, r, &k, &m, why)) != ERR_OK)
            return e;
    return e != ERR_OK ? e : finish(t, &m, why);
}
