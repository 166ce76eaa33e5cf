/* Where packed weights live.
 *
 * On disk: the first start writes each matrix as it has packed it, the second
 * maps the file and packs nothing.  Nothing that goes wrong here stops a model
 * from being loaded: it is said in a notice, and the weights are packed.
 *
 *   1. Either the file is read or it is written, from store_begin on; a file
 *      that lacks a matrix is removed, and the next start makes it anew.
 *   2. A file is only found under the hash of what made it: the source (the
 *      caller's), and what this instruction set's code makes of any weights.
 *
 * Owner: whoever opens matrices on the device, one thread at a time. */
#include "device/cpu_store.h"

#include "base/notice.h"
#include "device/cpu.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- the key ---- */

enum { TRIAL_COLS = 768 };          /* of whole blocks in every format */

/* What packing makes of some noise: a layout that changes in the code changes
 * the key by itself, with no number to forget. */
static void put_trial(struct strbuf *b, const struct weight_format *f)
{
    const struct dtype *t = dtype_get(f->dtype);
    size_t   stride = TRIAL_COLS / t->block_len * t->block_size;
    size_t   from = WEIGHT_GROUP * stride, to = f->group_size(TRIAL_COLS);
    uint8_t *rows = malloc(from), *group = cpu_alloc(to);
    uint32_t noise = 1;

    if (rows == NULL || group == NULL) {
        b->failed = true;
    } else {
        for (size_t i = 0; i < from; i++)
            rows[i] = (uint8_t)((noise = noise * 1664525 + 1013904223) >> 24);
        memset(group, 0, to);
        f->pack(group, &(struct weight_rows){
            .data = rows, .n_rows = WEIGHT_GROUP - 1, .row_stride = stride,
            .n_cols = TRIAL_COLS });
        unsigned long long h = slice_hash((struct slice){ (char *)group, to });
        strbuf_printf(b, "%s %d %llx\n", f->name, (int)f->act, h);
    }
    free(rows);
    free(group);
}

static bool make_key(struct cpu_store *s, const struct cpu *c)
{
    const struct weight_format *const *f = c->isa->weights->formats;
    struct strbuf      text = { 0 };
    unsigned long long code;

    strbuf_printf(&text, "%s\n", c->isa->name);
    for (; *f != NULL; f++)
        if ((*f)->pack != NULL)
            put_trial(&text, *f);
    code = slice_hash(strbuf_slice(&text));
    bool made = !text.failed;
    strbuf_drop(&text);
    memcpy(s->key.byte, &s->options.source, 8);
    memcpy(s->key.byte + 8, &code, 8);
    snprintf(s->name, sizeof s->name, "%016llx-%016llx",
             (unsigned long long)s->options.source, code);
    return made;
}

/* ---- reading ---- */

static void say(const struct cpu_store *s, const char *sentence)
{
    notice(s->options.notices, "the cache of packed weights is not used: %s",
           sentence);
}

static bool try_read(struct cpu_store *s, struct cpu *c)
{
    char            path[4096];
    struct err_info why;
    int             fd = pack_folder_read(&s->folder, s->name);

    if (fd < 0)
        return false;
    snprintf(path, sizeof path, "%s/%s", s->folder.path, s->name);
    enum err e = pack_file_open(&s->file, fd, path, &s->key, c->pool, &why);
    close(fd);
    if (e != ERR_OK)
        notice(s->options.notices, "%s; it is made anew", why.text);
    return e == ERR_OK;
}

const void *cpu_store_find(struct cpu *c, uint64_t id, size_t size)
{
    struct cpu_store *s = c->store;
    const void       *at;

    if (s == NULL || s->folder.fd < 0 || s->file.entry == NULL)
        return NULL;
    if ((at = pack_file_find(&s->file, id, size)) == NULL) {
        notice(s->options.notices, "%s: lacks some of the weights; the next "
               "start makes it anew", s->file.file.path);
        pack_folder_remove(&s->folder, s->name);
        pack_folder_close(&s->folder);
    }
    return at;
}

/* ---- writing ---- */

/* Beyond this limit the system would end us with a signal. */
static bool may_write(uint64_t size)
{
    struct rlimit l;
    return getrlimit(RLIMIT_FSIZE, &l) != 0 || l.rlim_cur >= size;
}

static void say_not_written(const struct cpu_store *s, int error)
{
    if (error == ENOSPC || error == EDQUOT)
        notice(s->options.notices, "%s: the disk is full; packed weights are "
               "not kept for the next start", s->folder.path);
    else
        notice(s->options.notices, "%s: cannot be written to (system error "
               "%d); packed weights are not kept for the next start",
               s->folder.path, error);
}

static void try_write(struct cpu_store *s)
{
    uint64_t need = s->options.expected + s->options.expected / 64 + (1 << 20);
    int      error = EFBIG;

    if (!pack_folder_make_room(&s->folder, s->name, need, s->options.max_size)) {
        notice(s->options.notices, "%s: the packed weights need %llu MiB, more "
               "than it may hold (%llu MiB); they are not kept for the next "
               "start", s->folder.path, (unsigned long long)need >> 20,
               (unsigned long long)s->options.max_size >> 20);
        return;
    }
    if (may_write(need))
        s->writing = pack_folder_write(&s->folder, s->name, &error);
    if (s->writing >= 0)
        pack_writer_begin(&s->writer, s->writing);
    else if (error != 0)
        say_not_written(s, error);
}

void cpu_store_put(struct cpu *c, uint64_t id, const void *data, size_t size)
{
    if (c->store != NULL && c->store->writing >= 0)
        pack_writer_put(&c->store->writer, id, data, size);
}

static void end_writing(struct cpu_store *s, bool complete)
{
    int fd = s->writing, error = 0;

    s->writing = -1;
    if (!complete) {
        pack_writer_drop(&s->writer);
        pack_folder_discard(&s->folder, s->name, fd);
    } else if (!pack_writer_end(&s->writer, &s->key)) {
        error = s->writer.error;
        pack_folder_discard(&s->folder, s->name, fd);
    } else if (!pack_folder_keep(&s->folder, s->name, fd)) {
        error = errno;
    }
    if (error != 0)
        say_not_written(s, error);
}

/* ---- the two together ---- */

void cpu_store_begin(struct device *d, const struct pack_options *o)
{
    struct cpu       *c = (struct cpu *)d;
    struct cpu_store *s;
    struct err_info   why;

    if (c->store != NULL || (s = calloc(1, sizeof *s)) == NULL)
        return;
    c->store = s;
    s->writing = -1;
    s->options = *o;
    if (pack_folder_open(&s->folder, o->folder, &why) != ERR_OK)
        say(s, why.text);
    else if (make_key(s, c) && !try_read(s, c))
        try_write(s);
}

void cpu_store_end(struct device *d, bool complete)
{
    struct cpu_store *s = ((struct cpu *)d)->store;

    if (s == NULL)
        return;
    if (s->writing >= 0)
        end_writing(s, complete);
    pack_folder_close(&s->folder);
    s->options = (struct pack_options){ 0 };
}

const struct file *cpu_store_file(const struct device *d)
{
    const struct cpu_store *s = ((const struct cpu *)d)->store;
    return s == NULL || s->file.file.at == NULL ? NULL : &s->file.file;
}

void cpu_store_close(struct cpu *c)
{
    if (c->store == NULL)
        return;
    cpu_store_end(&c->base, false);
    pack_file_close(&c->store->file);
    free(c->store);
}
