/* A vocabulary in GGUF metadata.
 *
 * The file says less than tokenizer.json: a kind of model, a name for the
 * pre-tokenizer, types and scores of tokens.  A tokenizer.json that does the
 * same is put together from these, so that everything behind runs through the
 * same code.  Where the two forms of one model are known to give different ids
 * (composed Unicode, runs of spaces), those of programs that read GGUF are
 * meant: they are what people compare with. */
#include "text/tok_gguf.h"
#include <stdio.h>


/* ---- kinds of models ---- */

struct gguf_kind;

struct loading {
    struct tokenizer         *t;
    const struct tok_source  *src;
    const struct gguf_kind   *kind;
    struct pre_facts          facts;    /* of "gpt2" */
};

struct gguf_kind {
    const char *name;
    struct gguf_ids ids;
    bool        add_bos, add_eos, add_sep, space_prefix;
    enum err (*open)(struct loading *l, struct err_info *why);
};

static enum err open_spm(struct loading *l, struct err_info *why);
static enum err open_gpt2(struct loading *l, struct err_info *why);
static enum err open_gemma4(struct loading *l, struct err_info *why);
static enum err open_t5(struct loading *l, struct err_info *why);
static enum err open_bert(struct loading *l, struct err_info *why);

static const struct gguf_kind kinds[] = {
    { "llama", { 1, 2, 0, -1, -1 }, .add_bos = true, .space_prefix = true,
      .open = open_spm },
    { "gpt2", { 11, 11, -1, -1, -1 }, .open = open_gpt2 },
    { "gemma4", { -1, -1, -1, -1, -1 }, .add_bos = true, .open = open_gemma4 },
    { "t5", { -1, 1, 2, 0, -1 }, .add_eos = true, .space_prefix = true,
      .open = open_t5 },
    { "bert", { 101, -1, 100, 0, 102 }, .add_bos = true, .add_sep = true,
      .open = open_bert },
};

static const struct gguf_kind *find_kind(struct slice name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (slice_is(name, kinds[i].name))
            return &kinds[i];
    return NULL;
}

static bool flag(enum tok_flag said, bool otherwise)
{
    return said == TOK_UNSET ? otherwise : said == TOK_YES;
}

/* ---- tokens ---- */

/* One token of the list. */
static enum err put_token(struct loading *l, size_t id, struct slice text,
                          struct err_info *why)
{
    struct vocab *v = &l->t->vocab;
    char empty[32];

    if (text.len == 0) {
        snprintf(empty, sizeof empty, "[EMPTY_%zu]", id);
        return vocab_put_copy(v, id, slice_of(empty), 0, why);
    }
    /* Padding of the table: the model never learnt this id. */
    if (gguf_type(l->src, id) == TOK_TYPE_UNUSED
        && slice_starts(text, SLICE("[PAD")))
        return ERR_OK;
    return vocab_put(v, id, text, false, why);
}

static enum err put_tokens(struct loading *l, struct err_info *why)
{
    struct str_list list = l->src->tokens;
    struct slice text;
    enum err e = ERR_OK;

    if (list.n == 0)
        return fail(why, ERR_FORMAT, "tokenizer.ggml.tokens is missing or "
                    "empty");
    if (list.raw.len >= (size_t)1 << 31)
        return fail(why, ERR_LIMIT, "tokenizer.ggml.tokens: larger than 2 GiB");
    vocab_init(&l->t->vocab, list.raw);
    for (size_t id = 0; e == ERR_OK && str_list_next(&list, &text); id++)
        e = put_token(l, id, text, why);
    if (e == ERR_OK)
        e = vocab_index(&l->t->vocab, VOCAB_NO_TWINS, why);
    l->t->n_model = l->src->tokens.n;
    return e == ERR_OK ? e : fail_within(why, "tokenizer.ggml.tokens");
}

/* ---- BOS and EOS ---- */

/* An id to add to every text, when its flag is set. */
static enum err wrap_one(struct loading *l, struct tok_ids *list, bool add,
                         enum tok_role role, struct err_info *why)
{
    if (!add)
        return ERR_OK;
    if (l->t->role[role] < 0)
        return fail(why, ERR_FORMAT, "tokenizer.ggml.add_%s_token is true, but "
                    "there is no %s token", tok_role_name(role),
                    tok_role_name(role));
    return tok_ids_push(list, l->t->role[role]) ? ERR_OK : fail_nomem(why);
}

static enum err set_wrap(struct loading *l, struct err_info *why)
{
    bool bos = l->kind->add_bos || l->facts.adds_bos;
    enum err e = wrap_one(l, &l->t->before, flag(l->src->add_bos, bos),
                          TOK_ROLE_BOS, why);
    if (e == ERR_OK)
        e = wrap_one(l, &l->t->after, flag(l->src->add_sep, l->kind->add_sep),
                     TOK_ROLE_SEP, why);
    return e != ERR_OK ? e
         : wrap_one(l, &l->t->after, flag(l->src->add_eos, l->kind->add_eos),
                    TOK_ROLE_EOS, why);
}

/* ---- SentencePiece by scores ---- */

/* Control tokens and the like are never made by merging: text that spells one
 * stays text. */
static bool score_of(const void *arg, size_t id, float *score)
{
    const struct loading *l = arg;
    enum tok_type type = gguf_type(l->src, id);

    memcpy(score, l->src->scores + 4 * id, sizeof *score);
    return type != TOK_TYPE_CONTROL && type != TOK_TYPE_UNKNOWN
        && type != TOK_TYPE_BYTE;
}

static const char spm_normalizer[] =
    "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":"
    "\"" MARK "\"},{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},"
    "\"content\":\"" MARK "\"}]}";
static const char space_normalizer[] =
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"" MARK
    "\"}";

#define SPM_DECODER "{\"type\":\"Sequence\",\"decoders\":[{\"type\":"         \
    "\"Replace\",\"pattern\":{\"String\":\"" MARK "\"},\"content\":\" \"},"   \
    "{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}"
static const char spm_decoder[] = SPM_DECODER ",{\"type\":\"Strip\","
    "\"content\":\" \",\"start\":1,\"stop\":0}]}";
static const char space_decoder[] = SPM_DECODER "]}";

/* The components of all models that write spaces as marks. */
static enum err open_spaced(struct loading *l, struct err_info *why)
{
    bool prefix = flag(l->src->add_space_prefix, l->kind->space_prefix);
    struct tok_specs specs = {
        .normalizer = slice_of(prefix ? spm_normalizer : space_normalizer),
        .decoder = slice_of(prefix ? spm_decoder : space_decoder),
    };
    return tok_specs_open(l->t, &specs, why);
}

static enum err open_spm(struct loading *l, struct err_info *why)
{
    struct spm_scores scores = { score_of, l };

    if (l->src->scores == NULL)
        return fail(why, ERR_FORMAT, "tokenizer.ggml.scores is missing: model "
                    "\"llama\" cannot work without");
    enum err e = spm_init(&l->t->spm, &l->t->vocab, scores, why);
    l->t->spm.unk = l->t->role[TOK_ROLE_UNK];
    l->t->model = TOK_MODEL_SPM;
    return e != ERR_OK ? e : open_spaced(l, why);
}

/* ---- byte pair encoding by merges ---- */

static enum err read_merges(struct loading *l, struct err_info *why)
{
    struct str_list list = l->src->merges;
    struct bpe *b = &l->t->bpe;
    struct slice merge;
    enum err e = ERR_OK;

    if (!l->src->has_merges)
        return fail(why, ERR_FORMAT, "tokenizer.ggml.merges is missing: model "
                    "\"%s\" cannot work without", l->kind->name);
    l->t->model = TOK_MODEL_BPE;
    bpe_init(b, &l->t->vocab);
    b->first_wins = true;
    while (e == ERR_OK && str_list_next(&list, &merge)) {
        /* The left part may itself begin with a space. */
        size_t space = slice_find(merge, SLICE(" "), merge.len > 0);
        if (space >= merge.len)
            e = fail(why, ERR_FORMAT, "merge %zu is not two tokens with a "
                     "space between them", b->n_merges);
        else
            e = bpe_add_merge(b, (struct slice){ merge.at, space },
                              slice_from(merge, space + 1), why);
    }
    if (e == ERR_OK)
        e = bpe_finish(b, why);
    return e == ERR_OK ? e : fail_within(why, "tokenizer.ggml.merges");
}

/* Files from before there was tokenizer.ggml.pre: the family is known by its
 * architecture and the size of its vocabulary. */
static struct slice guess_pre(const struct loading *l)
{
    static const struct {
        const char *arch;
        size_t      least, most;
        const char *pre;
    } rules[] = {
        { "llama",     128256, 128256, "llama-bpe" },
        { "qwen2",     151643, 152064, "qwen2" },
        { "llama",     102400, 102400, "deepseek-llm" },
        { "deepseek",  102400, 102400, "deepseek-llm" },
        { "deepseek2", 102400, 102400, "deepseek-llm" },
        { "deepseek2", 129280, 129280, "deepseek-v3" },
    };
    size_t n = l->src->tokens.n;
    const char *pre = "default";

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (slice_starts(l->src->arch, slice_of(rules[i].arch))
            && n >= rules[i].least && n <= rules[i].most)
            pre = rules[i].pre;
    notice(l->t->notices, "tokenizer.ggml.pre is missing; \"%s\" is used, "
           "which may give wrong tokens: a newer file of this model would say",
           pre);
    return slice_of(pre);
}

static enum err open_gpt2(struct loading *l, struct err_info *why)
{
    struct tokenizer *t = l->t;
    struct slice pre = l->src->pre.len > 0 ? l->src->pre : guess_pre(l);
    struct tok_specs specs = { .decoder = SLICE("{\"type\":\"ByteLevel\"}") };
    enum err e = pretokenizer_open_named(&t->pre, &l->facts, pre, why);

    if (e != ERR_OK)
        return fail_within(why, "tokenizer.ggml.pre");
    e = read_merges(l, why);
    if (e != ERR_OK)
        return e;
    t->bpe.ignore_merges = l->facts.ignore_merges;
    if (!l->facts.byte_level)
        return open_gemma4(l, why);
    /* facts.nfc is not looked at: programs that read GGUF do not compose. */
    specs.keep_pre = true;
    return tok_specs_open(t, &specs, why);
}

/* Merges like GPT-2's, but over characters with marks for spaces. */
static enum err open_gemma4(struct loading *l, struct err_info *why)
{
    enum err e = l->t->bpe.slots != NULL ? ERR_OK : read_merges(l, why);

    if (e != ERR_OK)
        return e;
    l->t->bpe.byte_fallback = l->t->bpe.fuse_unk = true;
    if (l->t->role[TOK_ROLE_UNK] >= 0)
        l->t->bpe.unk = l->t->role[TOK_ROLE_UNK];
    pretokenizer_close(l->t->pre);
    l->t->pre = NULL;
    return open_spaced(l, why);
}

/* ---- unigram ---- */

/* Tokens that a cut of the text may consist of. */
static bool usable(const void *arg, size_t id)
{
    const struct loading *l = arg;
    enum tok_type type = gguf_type(l->src, id);

    return vocab_has(&l->t->vocab, (int64_t)id)
        && (type == TOK_TYPE_NORMAL || type == TOK_TYPE_USER
            || type == TOK_TYPE_UNUSED);
}

/* The map of characters lies in the file as bytes, in tokenizer.json as base64;
 * writing it so costs a millisecond and saves a second way in. */
static void put_base64(struct strbuf *out, struct slice s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < s.len; i += 3) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (i + k < s.len ? (uint8_t)s.at[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            strbuf_putc(out, i + k > s.len ? '='
                             : digits[bits >> (18 - 6 * k) & 63]);
    }
}

/* The normalizer that transformers gives to such models. */
static void put_t5_normalizer(const struct loading *l, struct strbuf *out)
{
    const char *comma = "";

    strbuf_puts(out, "{\"type\":\"Sequence\",\"normalizers\":[");
    if (l->src->charsmap.len > 0) {
        strbuf_puts(out, "{\"type\":\"Precompiled\","
                         "\"precompiled_charsmap\":\"");
        put_base64(out, l->src->charsmap);
        strbuf_puts(out, "\"}");
        comma = ",";
    }
    if (flag(l->src->remove_extra_whitespaces, true)) {
        strbuf_puts(out, comma);
        strbuf_puts(out, "{\"type\":\"Strip\",\"strip_left\":false,"
                         "\"strip_right\":true},{\"type\":\"Replace\","
                         "\"pattern\":{\"Regex\":\" {2,}\"},\"content\":\""
                         MARK "\"}");
    }
    strbuf_puts(out, "]}");
}

static enum err open_t5_specs(struct loading *l, struct err_info *why)
{
    bool prefix = flag(l->src->add_space_prefix, true);
    struct strbuf normalizer = { .at = NULL };

    put_t5_normalizer(l, &normalizer);
    struct tok_specs specs = {
        .normalizer = strbuf_slice(&normalizer),
        .pre_tokenizer = prefix
            ? SLICE("{\"type\":\"Metaspace\",\"replacement\":\"" MARK "\","
                    "\"prepend_scheme\":\"always\"}")
            : SLICE("{\"type\":\"Metaspace\",\"replacement\":\"" MARK "\","
                    "\"prepend_scheme\":\"never\"}"),
        .decoder = slice_of(prefix ? spm_decoder : space_decoder),
    };
    enum err e = normalizer.failed ? fail_nomem(why)
                                   : tok_specs_open(l->t, &specs, why);
    strbuf_drop(&normalizer);
    return e;
}

static enum err open_t5(struct loading *l, struct err_info *why)
{
    struct unigram *u = &l->t->unigram;
    float score;
    enum err e = ERR_OK;

    if (l->src->scores == NULL)
        return fail(why, ERR_FORMAT, "tokenizer.ggml.scores is missing: model "
                    "\"t5\" cannot work without");
    for (size_t id = 0; id < l->src->tokens.n && e == ERR_OK; id++) {
        memcpy(&score, l->src->scores + 4 * id, sizeof score);
        e = unigram_push_score(u, gguf_type(l->src, id) == TOK_TYPE_USER
                                      ? 0 : (double)score, why);
    }
    if (e != ERR_OK)
        return e;
    u->unk = l->t->role[TOK_ROLE_UNK];
    l->t->model = TOK_MODEL_UNIGRAM;
    e = unigram_finish(u, &l->t->vocab, usable, l, why);
    return e != ERR_OK ? e : open_t5_specs(l, why);
}

/* ---- WordPiece ---- */

/* Such files mark what begins a word, not what continues one. */
static enum err open_bert(struct loading *l, struct err_info *why)
{
    struct tok_specs specs = {
        .normalizer = SLICE("{\"type\":\"BertNormalizer\",\"clean_text\":true,"
                               "\"handle_chinese_chars\":true,"
                               "\"strip_accents\":true,\"lowercase\":true}"),
        .pre_tokenizer = SLICE("{\"type\":\"BertPreTokenizer\"}"),
        .decoder = SLICE("{\"type\":\"Metaspace\"}"),
    };

    l->t->model = TOK_MODEL_WORD_PIECE;
    l->t->word_piece = (struct word_piece){
        .vocab = &l->t->vocab,
        .first = SLICE(MARK),
        .max_chars = SIZE_MAX,
        .unk = l->t->role[TOK_ROLE_UNK],
    };
    return tok_specs_open(l->t, &specs, why);
}

/* ---- the whole ---- */

enum err tok_gguf_open(struct tokenizer *t, const struct tok_source *src,
                       struct err_info *why)
{
    struct loading l = { .t = t, .src = src, .kind = find_kind(src->model) };

    if (l.kind == NULL)
        return fail(why, ERR_UNKNOWN, "tokenizer.ggml.model \"%.*s\" is not "
                    "supported (llama, gpt2, t5, gemma4 and bert are)",
                    (int)(src->model.len > 100 ? 100 : src->model.len),
                    src->model.at);
    enum err e = put_tokens(&l, why);
    if (e != ERR_OK)
        return e;
    gguf_set_roles(t, src, &l.kind->ids);
    e = l.kind->open(&l, why);
    if (e == ERR_OK)
        e = gguf_add_special(t, src, why);
    return e != ERR_OK ? e : set_wrap(&l, why);
}
