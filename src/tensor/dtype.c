#include "tensor/dtype.h"

#include "base/checked.h"

static const struct dtype table[DTYPE_COUNT] = {
#define X(id_, name_, gguf_, st_, len_, size_)                               \
    [DTYPE_##id_] = { .id = DTYPE_##id_, .name = name_, .gguf_id = gguf_,    \
                      .st_name = st_, .block_len = len_,                     \
                      .block_size = size_ },
    DTYPE_LIST(X)
#undef X
};

const struct dtype *dtype_get(enum dtype_id id)
{
    return &table[id];
}

const struct dtype *dtype_by_gguf(uint32_t gguf_id)
{
    for (size_t i = 0; i < DTYPE_COUNT; i++)
        if (table[i].gguf_id >= 0 && (uint32_t)table[i].gguf_id == gguf_id)
            return &table[i];
    return NULL;
}

const struct dtype *dtype_by_name(const char *name)
{
    for (size_t i = 0; i < DTYPE_COUNT; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

const struct dtype *dtype_by_safetensors(struct slice name)
{
    for (size_t i = 0; i < DTYPE_COUNT; i++)
        if (table[i].st_name != NULL && slice_is(name, table[i].st_name))
            return &table[i];
    return NULL;
}

const char *dtype_removed_name(uint32_t gguf_id)
{
    static const struct { uint32_t id; const char *name; } removed[] = {
        { 4, "Q4_2" }, { 5, "Q4_3" },
        { 31, "Q4_0_4_4" }, { 32, "Q4_0_4_8" }, { 33, "Q4_0_8_8" },
        { 36, "IQ4_NL_4_4" }, { 37, "IQ4_NL_4_8" }, { 38, "IQ4_NL_8_8" },
    };

    for (size_t i = 0; i < sizeof removed / sizeof removed[0]; i++)
        if (removed[i].id == gguf_id)
            return removed[i].name;
    return NULL;
}

bool dtype_size(const struct dtype *t, uint64_t n, uint64_t *size)
{
    return n % t->block_len == 0
        && checked_mul(size, n / t->block_len, t->block_size);
}
