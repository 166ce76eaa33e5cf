/* A Hugging Face directory with weights, made once for each process; targets
 * put their input in as one of the texts. */
#ifndef OSMIA_TESTS_FUZZ_FOLDER_H
#define OSMIA_TESTS_FUZZ_FOLDER_H

#include "format/checkpoint.h"
#include "support/make_gguf.h"
#include "support/scratch.h"

#undef NDEBUG
#include <assert.h>
#include <stdlib.h>

static struct scratch folder;

static void folder_close(void)
{
    scratch_close(&folder);
}

static void folder_weights(const char *name, const char *header, size_t size)
{
    struct make m = { 0 };

    make_safetensors(&m, header, size);
    scratch_put(&folder, name, strbuf_slice(&m.b));
    make_drop(&m);
}

/* False: it was there already. */
static bool folder_open(void)
{
    if (folder.dir[0] != '\0')
        return false;
    scratch_open(&folder);
    atexit(folder_close);
    return true;
}

/* Open the folder and look at all there is. */
static void folder_try(void)
{
    struct err_info why = { 0 };
    struct checkpoint *c;

    if (checkpoint_open(&c, folder.dir, NULL, &why) != ERR_OK) {
        assert(c == NULL && why.text[0] != '\0');
        assert(strchr(why.text, '\n') == NULL);
        return;
    }
    for (size_t i = 0; i < c->n_tensors; i++) {
        const struct tensor_info *t = &c->tensors[i];
        const struct tensor_scale *s = &t->scale;

        assert(checkpoint_tensor(c, t->name) == t);
        if (s->values != NULL)
            assert(s->n_rows * s->n_cols == s->values->n_elements
                   && s->n_rows * s->block_rows >= t->dims[0]
                   && s->n_cols * s->block_cols >= t->dims[1]);
    }
    checkpoint_close(c);
}

#endif
