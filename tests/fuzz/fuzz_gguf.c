/* Whatever the bytes: a GGUF file is refused with one sentence, or everything
 * it is said to hold lies inside it and can be read. */
#include "fuzz.h"

#include "format/checkpoint.h"
#include "format/gguf.h"
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static void check_sentence(const struct err_info *why)
{
    assert(why->code != ERR_OK && why->text[0] != '\0');
    assert(strchr(why->text, '\n') == NULL);
}

static void touch(struct slice s, unsigned *sum)
{
    for (size_t i = 0; i < s.len; i++)
        *sum += (unsigned char)s.at[i];
}

static void check_values(const struct gguf *g, unsigned *sum)
{
    for (size_t i = 0; i < g->meta.n; i++) {
        const struct gguf_value *v = &g->meta.values[i];
        struct str_list list = { v->bytes, (size_t)v->n };
        struct json_int whole;
        struct slice text;
        double number;
        bool truth;

        assert(gguf_find(&g->meta, v->key) == v);
        touch(v->bytes, sum);
        if (v->type == GGUF_STRING && v->is_array)
            while (str_list_next(&list, &text))
                touch(text, sum);
        if (v->n > 0 && v->type != GGUF_STRING)
            *sum += (unsigned)(gguf_int(v, v->n - 1, &whole)
                               + gguf_number(v, v->n - 1, &number)
                               + gguf_bool(v, v->n - 1, &truth));
    }
}

static void check_tensors(const struct gguf *g, unsigned *sum)
{
    for (size_t i = 0; i < g->n_tensors; i++) {
        const struct tensor_info *t = &g->tensors[i];
        touch((struct slice){ (const char *)t->data, (size_t)t->size }, sum);
    }
}

/* As a file, with all that is made of the metadata. */
static void check_open(const uint8_t *data, size_t size, bool readable)
{
    struct err_info why = { 0 };
    struct checkpoint *c;
    char path[64];
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    enum err e;

    assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    e = checkpoint_open(&c, path, NULL, &why);
    if (e != ERR_OK) {
        check_sentence(&why);
    } else if (c->naming == NAMING_GGUF) {
        struct strbuf value = { 0 };
        struct slice name;

        assert(readable);
        for (size_t i = 0; keys_show(&c->keys, i, &name, &value); i++)
            strbuf_clear(&value);
        strbuf_drop(&value);
    }
    checkpoint_close(c);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct file f = { .at = data, .size = size, .path = (char[]){ "x.gguf" } };
    struct err_info why = { 0 };
    struct arena arena = { 0 };
    volatile unsigned keep;
    unsigned sum = 0;
    struct gguf g;
    enum err e = gguf_read(&g, &f, &arena, &why);

    if (e == ERR_OK) {
        check_values(&g, &sum);
        check_tensors(&g, &sum);
        keep = sum;
        (void)keep;
    } else {
        check_sentence(&why);
    }
    arena_drop(&arena);
    check_open(data, size, e == ERR_OK);
    return 0;
}
