#include "support/check.h"

#include "support/make_gguf.h"

#include <stdio.h>

void make_drop(struct make *m)
{
    strbuf_drop(&m->b);
    m->n_marks = 0;
}

void make_mark(struct make *m, const char *name)
{
    assert_true(m->n_marks < MAKE_MARKS);
    m->marks[m->n_marks].name = name;
    m->marks[m->n_marks++].at = m->b.len;
}

size_t make_find(const struct make *m, const char *name)
{
    for (size_t i = 0; i < m->n_marks; i++)
        if (strcmp(m->marks[i].name, name) == 0)
            return m->marks[i].at;
    fail_msg("no field %s", name);
    return 0;
}

static void put(struct make *m, const void *bytes, size_t n)
{
    strbuf_put(&m->b, (struct slice){ bytes, n });
    assert_false(m->b.failed);
}

void make_u8(struct make *m, uint8_t v)
{
    put(m, &v, sizeof v);
}

void make_u32(struct make *m, uint32_t v)
{
    put(m, &v, sizeof v);
}

void make_u64(struct make *m, uint64_t v)
{
    put(m, &v, sizeof v);
}

void make_f32(struct make *m, float v)
{
    put(m, &v, sizeof v);
}

void make_string(struct make *m, const char *text)
{
    make_u64(m, strlen(text));
    put(m, text, strlen(text));
}

void make_zeros(struct make *m, size_t n)
{
    while (n-- > 0)
        make_u8(m, 0);
}

void make_align(struct make *m, size_t step)
{
    make_zeros(m, (step - m->b.len % step) % step);
}

void make_patch(struct make *m, const char *field, uint64_t v, size_t size)
{
    size_t at = make_find(m, field);

    assert_true(at + size <= m->b.len);
    memcpy(m->b.at + at, &v, size);
}

void make_gguf_head(struct make *m, uint64_t n_tensors, uint64_t n_keys)
{
    make_mark(m, "magic");
    put(m, "GGUF", 4);
    make_mark(m, "version");
    make_u32(m, 3);
    make_mark(m, "n_tensors");
    make_u64(m, n_tensors);
    make_mark(m, "n_keys");
    make_u64(m, n_keys);
}

void make_key(struct make *m, const char *key, uint32_t type)
{
    make_string(m, key);
    make_u32(m, type);
}

void make_key_u32(struct make *m, const char *key, uint32_t v)
{
    make_key(m, key, 4);
    make_u32(m, v);
}

void make_key_f32(struct make *m, const char *key, float v)
{
    make_key(m, key, 6);
    make_f32(m, v);
}

void make_key_bool(struct make *m, const char *key, int v)
{
    make_key(m, key, 7);
    make_u8(m, (uint8_t)v);
}

void make_key_string(struct make *m, const char *key, const char *v)
{
    make_key(m, key, 8);
    make_string(m, v);
}

void make_key_strings(struct make *m, const char *key, const char *stem,
                      size_t n)
{
    char text[64];

    make_key(m, key, 9);
    make_u32(m, 8);
    make_u64(m, n);
    for (size_t i = 0; i < n; i++) {
        snprintf(text, sizeof text, "%s%zu", stem, i);
        make_string(m, text);
    }
}

void make_tensor(struct make *m, const struct make_tensor *t)
{
    make_string(m, t->name);
    make_u32(m, t->n_dims);
    for (uint32_t i = 0; i < t->n_dims; i++)
        make_u64(m, t->dims[i]);
    make_u32(m, t->type);
    make_u64(m, t->offset);
}

void make_safetensors(struct make *m, const char *header, size_t data_len)
{
    make_string(m, header);
    make_zeros(m, data_len);
}
