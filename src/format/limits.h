/* The limits of what the readers accept.  Each is far above every model seen
 * and low enough that a file cannot make us work or allocate without end. */
#ifndef OSMIA_FORMAT_LIMITS_H
#define OSMIA_FORMAT_LIMITS_H

enum {
    LIMIT_GGUF_KEYS       = 65536,
    LIMIT_FILE_TENSORS    = 65536,      /* in one file, either format */
    LIMIT_ALL_TENSORS     = 1 << 20,    /* over all shards */
    LIMIT_SHARDS          = 65536,
    LIMIT_KEY_LEN         = 65535,
    LIMIT_STRING          = 16 << 20,   /* bytes of one metadata string */
    LIMIT_ARRAY           = 16 << 20,   /* elements of one metadata array */
    LIMIT_ALIGNMENT       = 1 << 20,
    LIMIT_ST_HEADER       = 100000000,  /* the safetensors reference's own */
    LIMIT_ST_DEPTH        = 128,        /*   likewise */
    LIMIT_CONFIG          = 16 << 20,   /* config.json and the like */
    LIMIT_INDEX           = 64 << 20,
    LIMIT_TEMPLATE        = 1 << 20,
    LIMIT_TOKENIZER       = 256 << 20,
    LIMIT_TOKENS          = 4 << 20,
    LIMIT_PARSE_MEMORY    = 32 << 20    /* beside 2 x the text's size */
};

#endif
