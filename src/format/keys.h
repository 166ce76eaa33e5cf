/* Typed access to what a checkpoint says about itself: config.json or GGUF
 * metadata, with one set of functions.
 *
 * A key has two spellings, and the checkpoint's naming picks one.  A GGUF
 * spelling that begins with "A." gets the architecture in place of the A
 * ("A.block_count" -> "llama.block_count").  A Hugging Face spelling may be a
 * path ("rope_scaling.factor"); it is looked up in text_config first, then at
 * the top level, and only `tie_word_embeddings` the other way round, because
 * wrappers decide that one themselves.  A spelling of NULL is never present.
 *
 * The getters leave *out alone when the key is absent or null, so that the
 * caller puts the default there before; keys_require is for keys without one.
 * A value of the wrong type or out of range is ERR_FORMAT, naming the file, the
 * key, the value and what was expected.  Integers of any width are integers;
 * in config.json a float without a fraction is, too (writers produce 40.0). */
#ifndef OSMIA_FORMAT_KEYS_H
#define OSMIA_FORMAT_KEYS_H

#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"
#include "base/strbuf.h"
#include "format/show.h"
#include <stdint.h>

/* Which column of the tables of names a checkpoint follows. */
enum naming { NAMING_HF, NAMING_GGUF };

struct key_name {
    const char *hf, *gguf;
};

struct uint_range {
    uint32_t min, max;
};

enum key_kind {
    KEY_ABSENT,     /* not there, or null */
    KEY_BOOL, KEY_INT, KEY_FLOAT, KEY_STRING, KEY_ARRAY, KEY_OBJECT
};

struct gguf_meta;

struct keys {
    enum naming             naming;
    const char             *path;   /* of the file that holds them */
    struct slice            arch;   /* stands for "A" in GGUF spellings */
    const struct json      *top;    /* config.json; NULL: there is none */
    const struct json      *text;   /* its text_config, or NULL */
    const struct gguf_meta *meta;   /* GGUF metadata */
};

/* The spelling that this checkpoint uses ("" when it has none): for errors. */
struct shown key_spelling(const struct keys *k, struct key_name name);

enum key_kind keys_kind(const struct keys *k, struct key_name name);

static inline bool keys_has(const struct keys *k, struct key_name name)
{
    return keys_kind(k, name) != KEY_ABSENT;
}

/* In config.json with the value null (GGUF has none): some defaults are meant
 * only for keys that are absent. */
bool keys_is_null(const struct keys *k, struct key_name name);

/* ERR_FORMAT "... is missing" unless the key is there. */
enum err keys_require(const struct keys *k, struct key_name name,
                      struct err_info *why);

enum err keys_uint(uint32_t *out, const struct keys *k, struct key_name name,
                   struct uint_range range, struct err_info *why);
enum err keys_int(int64_t *out, const struct keys *k, struct key_name name,
                  struct err_info *why);
/* Any number from min to max; NaN and infinities never pass. */
enum err keys_float(double *out, const struct keys *k, struct key_name name,
                    double min, double max, struct err_info *why);
enum err keys_bool(bool *out, const struct keys *k, struct key_name name,
                   struct err_info *why);
/* In config.json: unescaped; in GGUF: as it stands, may hold NUL bytes. */
enum err keys_string(struct slice *out, const struct keys *k,
                     struct key_name name, struct err_info *why);

/* Elements of an array; 0 when absent or not an array. */
size_t keys_len(const struct keys *k, struct key_name name);

/* Element i of an array, or the scalar itself, which then holds for every i
 * (per-layer keys may be written either way).  An array that is too short is
 * ERR_FORMAT; so is an element of null. */
enum err keys_uint_at(uint32_t *out, const struct keys *k, struct key_name name,
                      size_t i, struct uint_range range, struct err_info *why);
enum err keys_int_at(int64_t *out, const struct keys *k, struct key_name name,
                     size_t i, struct err_info *why);
enum err keys_float_at(double *out, const struct keys *k, struct key_name name,
                       size_t i, struct err_info *why);
enum err keys_bool_at(bool *out, const struct keys *k, struct key_name name,
                      size_t i, struct err_info *why);
enum err keys_string_at(struct slice *out, const struct keys *k,
                        struct key_name name, size_t i, struct err_info *why);

/* Build an error about a key: "PATH: KEY <fmt...>", with the spelling this
 * checkpoint uses.  For the checks that only the caller can make. */
enum err keys_fail(const struct keys *k, struct key_name name, enum err code,
                   struct err_info *why, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* For `inspect --metadata`: the i-th key (of config.json: the i-th member) and
 * its value as short text, long strings and arrays cut.  False: no such key. */
bool keys_show(const struct keys *k, size_t i, struct slice *name,
               struct strbuf *value);

#endif
