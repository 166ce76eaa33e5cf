/* vocab.json and merges.txt: the files before there was tokenizer.json. */
#include "text/tok_parts.h"

static enum err read_vocab(struct tokenizer *t, struct slice text,
                           struct err_info *why)
{
    struct json_reader r;
    struct json_token k;
    enum err e;

    json_reader_init(&r, text, JSON_DEPTH);
    e = json_next(&r, &k, why);
    if (e == ERR_OK && k.kind != JSON_OBJECT)
        e = fail(why, ERR_FORMAT, "expected one object");
    while (e == ERR_OK && (e = json_next(&r, &k, why)) == ERR_OK
           && k.kind != JSON_END) {
        if (k.kind != JSON_INT || k.integer.negative)
            return fail(why, ERR_FORMAT, "every value must be an id");
        e = vocab_put(&t->vocab, k.integer.magnitude, k.key, k.key_escaped,
                      why);
    }
    if (e == ERR_OK)
        e = json_next(&r, &k, why);
    return e != ERR_OK ? e : vocab_index(&t->vocab, VOCAB_NO_TWINS, why);
}

/* The next line without its end; false: there is none. */
static bool next_line(struct slice *rest, struct slice *line)
{
    if (rest->len == 0)
        return false;
    size_t end = slice_find(*rest, SLICE("\n"), 0);
    *line = (struct slice){ rest->at, end };
    *rest = slice_from(*rest, end < rest->len ? end + 1 : end);
    if (slice_ends(*line, SLICE("\r")))
        line->len--;
    return true;
}

static enum err read_merges(struct tokenizer *t, struct slice text,
                            struct err_info *why)
{
    struct slice line;
    enum err e = ERR_OK;

    while (e == ERR_OK && next_line(&text, &line)) {
        if (line.len == 0 || slice_starts(line, SLICE("#version")))
            continue;
        size_t space = slice_find(line, SLICE(" "), 0);
        if (space == line.len
            || slice_find(line, SLICE(" "), space + 1) != line.len)
            return fail(why, ERR_FORMAT, "merge %zu is not two tokens with one "
                        "space between them", t->bpe.n_merges);
        e = bpe_add_merge(&t->bpe, (struct slice){ line.at, space },
                          slice_from(line, space + 1), why);
    }
    return e != ERR_OK ? e : bpe_finish(&t->bpe, why);
}

/* What the class in tokenizer_config.json adds to plain GPT-2. */
static bool is_qwen2(const struct tok_source *src)
{
    struct slice config = src->tokenizer_config_json;
    return slice_find(config, SLICE("\"Qwen2Tokenizer"), 0) != config.len;
}

/* The regular expression of Qwen2's class, and Unicode's composed form. */
static const char qwen2_pre[] =
    "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":"
    "{\"Regex\":\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?"
    "\\\\p{L}+|\\\\p{N}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r"
    "\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"},\"behavior\":\"Isolated\",\"invert\":"
    "false},{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":"
    "false}]}";

enum err tok_files_open(struct tokenizer *t, const struct tok_source *src,
                        struct err_info *why)
{
    struct tok_specs specs = {
        .pre_tokenizer = SLICE("{\"type\":\"ByteLevel\","
                               "\"add_prefix_space\":false}"),
        .decoder = SLICE("{\"type\":\"ByteLevel\"}"),
    };
    enum err e = ERR_OK;

    if (src->merges_txt.len == 0)
        return fail(why, ERR_FORMAT, "vocab.json: there is no merges.txt "
                    "beside it");
    if (src->vocab_json.len >= (size_t)1 << 31)
        return fail(why, ERR_LIMIT, "vocab.json: larger than 2 GiB");
    vocab_init(&t->vocab, src->vocab_json);
    e = read_vocab(t, src->vocab_json, why);
    if (e != ERR_OK)
        return fail_within(why, "vocab.json");
    t->n_model = t->vocab.n_tokens;
    t->model = TOK_MODEL_BPE;
    bpe_init(&t->bpe, &t->vocab);
    e = read_merges(t, src->merges_txt, why);
    if (e != ERR_OK)
        return fail_within(why, "merges.txt");
    if (is_qwen2(src)) {
        specs.normalizer = SLICE("{\"type\":\"NFC\"}");
        specs.pre_tokenizer = slice_of(qwen2_pre);
    }
    return tok_specs_open(t, &specs, why);
}
