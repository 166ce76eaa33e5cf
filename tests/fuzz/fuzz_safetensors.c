/* Whatever the bytes: a safetensors file is refused with one sentence, or its
 * tensors fill the data behind the header exactly. */
#include "fuzz.h"

#include "format/safetensors.h"
#undef NDEBUG
#include <assert.h>

static void check_tensors(const struct safetensors *s, const struct file *f)
{
    uint64_t next = 0, size;

    for (size_t i = 0; i < s->n_tensors; i++) {
        const struct tensor_info *t = &s->tensors[i];

        assert(i == 0 || t->file_offset == next);
        assert(dtype_size(t->dtype, t->n_elements, &size) && size == t->size);
        assert(t->data == f->at + t->file_offset);
        next = t->file_offset + t->size;
    }
    assert(s->n_tensors == 0 || next == f->size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct file f = { .at = data, .size = size,
                      .path = (char[]){ "x.safetensors" } };
    struct err_info why = { 0 };
    struct arena arena = { 0 };
    struct safetensors s;

    if (safetensors_read(&s, &f, &arena, &why) == ERR_OK) {
        check_tensors(&s, &f);
    } else {
        assert(why.code != ERR_OK && why.text[0] != '\0');
        assert(strchr(why.text, '\n') == NULL);
    }
    arena_drop(&arena);
    return 0;
}
