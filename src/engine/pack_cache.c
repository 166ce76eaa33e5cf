/* What a cache of packed weights is known by: the files that hold the tensors
 * and what is made of them. */
#include "engine/engine_own.h"

#include "base/strbuf.h"
#include <stdlib.h>

enum { LOOK_SIZE = 64 * 1024 };
static const uint64_t max_size = (uint64_t)32 << 30;

/* Which file this is, and that it was not written to since.  ctime, too: who
 * puts mtime back cannot put that back.  And some of the content, for file
 * systems that keep neither well: the head, where a model says what it is, and
 * the end, which moves with every size in it. */
static void put_file(struct strbuf *b, const struct file *f)
{
    struct slice all = file_slice(f), first = all, last = all;

    if (all.len > LOOK_SIZE) {
        first.len = LOOK_SIZE;
        last = slice_from(all, all.len - LOOK_SIZE);
    }
    strbuf_printf(b, "%llx %llx %llx %llx %llx %llx %llx\n",
                  (unsigned long long)f->device, (unsigned long long)f->inode,
                  (unsigned long long)f->size, (unsigned long long)f->mtime_ns,
                  (unsigned long long)f->ctime_ns, slice_hash(first),
                  slice_hash(last));
}

void pack_cache_begin(struct engine *e)
{
    const struct engine_options *o = &e->options;
    struct strbuf                id = { 0 };

    if (o->cache == NULL || o->cache[0] == '\0')
        return;
    strbuf_printf(&id, "%s %d\n", o->weights == NULL ? "as-is" : o->weights,
                  o->exact);
    for (size_t i = 0; i < e->checkpoint->n_files; i++)
        put_file(&id, e->checkpoint->files[i]);
    struct pack_options p = {
        .folder = o->cache, .notices = o->notices,
        .source = slice_hash(strbuf_slice(&id)),
        .expected = e->plan.weights_size,
        .max_size = o->cache_size > 0 ? o->cache_size : max_size,
    };
    if (!id.failed)
        e->device->ops->store_begin(e->device, &p);
    strbuf_drop(&id);
}
