/* The most of everything that a file may ask of us.
 *
 * A parser compares with these before it allocates or loops, besides comparing
 * with the bytes that are left.  They are generous: the largest published
 * models stay below a tenth of each. */
#ifndef OSMIA_BASE_LIMITS_H
#define OSMIA_BASE_LIMITS_H

#define LIMIT_LIST(X)                                                        \
    X(GGUF_KEYS,        65536,     "keys in a GGUF file")                    \
    X(GGUF_TENSORS,     65536,     "tensors in a GGUF file")                 \
    X(GGUF_KEY,         65535,     "bytes in the name of a GGUF key")        \
    X(GGUF_ALIGNMENT,   1 << 20,   "bytes of alignment in a GGUF file")      \
    X(GGUF_STRING,      16 << 20,  "bytes in one GGUF string")               \
    X(GGUF_ARRAY,       16 << 20,  "elements in one GGUF array")             \
    X(ST_HEADER,        100000000, "bytes in a safetensors header")          \
    X(ST_DEPTH,         128,       "levels of nesting in such a header")     \
    X(ST_TENSORS,       65536,     "tensors in a safetensors file")          \
    X(ALL_TENSORS,      1 << 20,   "tensors in all files of a model")        \
    X(CONFIG_FILE,      16 << 20,  "bytes in a configuration file")          \
    X(INDEX_FILE,       64 << 20,  "bytes in a safetensors index")           \
    X(TEMPLATE_FILE,    1 << 20,   "bytes in a chat template")               \
    X(TOKENIZER_JSON,   256 << 20, "bytes in tokenizer.json")                \
    X(VOCAB,            4 << 20,   "tokens in a vocabulary")                 \
    X(TOKEN_TEXT,       64 << 10,  "bytes in the text of one token")         \
    X(TEMPLATE_STEPS,   4000000,   "steps of one template run")              \
    X(TEMPLATE_OUTPUT,  8 << 20,   "bytes written by one template run")      \
    X(TEMPLATE_NESTING, 200,       "levels of nesting in a template")        \
    X(TEMPLATE_CALLS,   64,        "macro calls inside each other")          \
    X(ERROR_LINE,       1500,      "bytes in one line of error text")

enum limit {
#define X(id, value, text) LIMIT_##id = (value),
    LIMIT_LIST(X)
#undef X
};

#endif
