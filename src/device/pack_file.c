/* The form of the file, all numbers little-endian:
 *
 *   0         struct head, padded with zeros to HEAD_SIZE
 *   4096      packed matrices, each at a multiple of 64
 *   table_at  n_entries struct pack_entry, then n_pieces u64: the hash of each
 *             piece of 1 MiB of [4096, table_at), the last one may be shorter
 *
 *   1. The head is written last.  A file whose writer died has none.
 *   2. Head, table and pieces each have a sum: no byte that is used was not
 *      checked when the file was opened.
 *   3. Nothing in the file is trusted before that: sizes are checked against
 *      the file's own, and the table is copied, since the file may change.
 *
 * There is no version number to forget: the key holds a hash of what the
 * packing code does (cpu_store.c), the magic stands for this page. */
#include "device/pack_file.h"

#include "base/checked.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD_SIZE = 4096, PIECE_SIZE = 1 << 20, ENTRY_ALIGN = 64 };

static const char magic[8] = "osmiapk1";

struct head {
    char            magic[8];
    struct pack_key key;
    uint64_t        file_size, table_at, n_entries, n_pieces;
    uint64_t        table_sum;
    uint64_t        head_sum;           /* of all above */
};
static_assert(sizeof(struct head) == 72, "as the file keeps it");
static_assert(sizeof(struct pack_entry) == 24, "as the file keeps it");

static uint64_t sum_of(const void *at, size_t size)
{
    return slice_hash((struct slice){ at, size });
}

static uint64_t head_sum(const struct head *h)
{
    return sum_of(h, offsetof(struct head, head_sum));
}

/* ---- reading ---- */

static enum err damaged(const char *path, const char *what,
                        struct err_info *why)
{
    return fail(why, ERR_FORMAT, "%s: %s", path, what);
}

static uint64_t table_size(const struct head *h)
{
    return h->n_entries * sizeof(struct pack_entry)
         + h->n_pieces * sizeof(uint64_t);
}

/* Places of the head against each other and the file's real size. */
static bool head_fits(const struct head *h, uint64_t size)
{
    uint64_t entries, sums, end;

    return h->file_size == size && h->table_at >= HEAD_SIZE
        && h->table_at <= size && h->table_at % ENTRY_ALIGN == 0
        && h->n_pieces == (h->table_at - HEAD_SIZE + PIECE_SIZE - 1)
                          / PIECE_SIZE
        && checked_mul(&entries, h->n_entries, sizeof(struct pack_entry))
        && checked_mul(&sums, h->n_pieces, sizeof(uint64_t))
        && checked_add(&end, h->table_at, entries)
        && checked_add(&end, end, sums) && end == size;
}

static enum err read_head(struct head *h, int fd, const char *path,
                          const struct pack_key *key, struct err_info *why)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return fail(why, ERR_IO, "%s: is not a regular file", path);
    if (pread(fd, h, sizeof *h, 0) != (ssize_t)sizeof *h
        || memcmp(h->magic, magic, sizeof magic) != 0)
        return damaged(path, "is no complete file of packed weights", why);
    if (h->head_sum != head_sum(h))
        return damaged(path, "its head is damaged", why);
    if (memcmp(&h->key, key, sizeof *key) != 0)
        return damaged(path, "belongs to other weights", why);
    if (!head_fits(h, (uint64_t)st.st_size))
        return damaged(path, "is truncated, or longer than it says", why);
    return ERR_OK;
}

/* Before a byte beyond the head is touched: a sparse file of a terabyte costs
 * nothing but its refusal. */
static enum err map(struct pack_file *p, const struct head *h, int fd,
                    const char *path, struct err_info *why)
{
    void *at;

    if ((p->file.path = strdup(path)) == NULL)
        return fail_nomem(why);
    /* Populated: page by page, faults would take longer than reading it. */
    at = mmap(NULL, (size_t)h->file_size, PROT_READ,
              MAP_SHARED | MAP_POPULATE, fd, 0);
    if (at == MAP_FAILED)
        return fail(why, ERR_IO, "%s: cannot be mapped (system error %d)",
                    path, errno);
    p->file.at = at;
    p->file.size = h->file_size;
    return ERR_OK;
}

static enum err take_table(struct pack_file *p, uint64_t **sums,
                           const struct head *h, struct err_info *why)
{
    size_t   size = (size_t)table_size(h);
    uint64_t end = HEAD_SIZE;

    if ((p->entry = malloc(size + 1)) == NULL)
        return fail_nomem(why);
    memcpy(p->entry, p->file.at + h->table_at, size);
    if (sum_of(p->entry, size) != h->table_sum)
        return damaged(p->file.path, "its table is damaged", why);
    p->n_entries = (size_t)h->n_entries;
    *sums = (uint64_t *)(void *)(p->entry + p->n_entries);
    for (size_t i = 0; i < p->n_entries; i++) {
        const struct pack_entry *e = &p->entry[i];
        if (e->at % ENTRY_ALIGN != 0 || e->at < end
            || !checked_range(e->at, e->size, h->table_at))
            return damaged(p->file.path, "its table makes no sense", why);
        end = e->at + e->size;
    }
    return ERR_OK;
}

struct sum_job {
    const uint8_t  *at;
    uint64_t        size;
    const uint64_t *sum;
    bool            wrong[POOL_MAX_THREADS];     /* by worker */
};

static void check_piece(void *arg, size_t piece, unsigned worker)
{
    struct sum_job *j = arg;
    uint64_t        from = (uint64_t)piece * PIECE_SIZE, left = j->size - from;

    if (sum_of(j->at + from, left < PIECE_SIZE ? (size_t)left : PIECE_SIZE)
        != j->sum[piece])
        j->wrong[worker] = true;
}

static enum err check_pieces(const struct pack_file *p, const struct head *h,
                             const uint64_t *sums, struct pool *pool,
                             struct err_info *why)
{
    struct sum_job j = { .at = p->file.at + HEAD_SIZE,
                         .size = h->table_at - HEAD_SIZE, .sum = sums };

    pool_run(pool, check_piece, &j, (size_t)h->n_pieces);
    for (unsigned t = 0; t < pool_threads(pool); t++)
        if (j.wrong[t])
            return damaged(p->file.path, "its weights are damaged", why);
    return ERR_OK;
}

enum err pack_file_open(struct pack_file *p, int fd, const char *path,
                        const struct pack_key *key, struct pool *pool,
                        struct err_info *why)
{
    struct head h;
    uint64_t   *sums = NULL;
    enum err    e;

    *p = (struct pack_file){ 0 };
    if ((e = read_head(&h, fd, path, key, why)) == ERR_OK
        && (e = map(p, &h, fd, path, why)) == ERR_OK
        && (e = take_table(p, &sums, &h, why)) == ERR_OK)
        e = check_pieces(p, &h, sums, pool, why);
    if (e != ERR_OK)
        pack_file_close(p);
    return e;
}

void pack_file_close(struct pack_file *p)
{
    free(p->entry);
    file_close(&p->file);
    *p = (struct pack_file){ 0 };
}

const void *pack_file_find(struct pack_file *p, uint64_t id, size_t size)
{
    for (size_t i = 0; i < p->n_entries; i++) {
        size_t at = (p->next + i) % p->n_entries;
        if (p->entry[at].id != id || p->entry[at].size != size)
            continue;
        p->next = at + 1;
        return p->file.at + p->entry[at].at;
    }
    return NULL;
}

/* ---- writing ---- */

static void give_up(struct pack_writer *w, int error)
{
    w->failed = true;
    w->error = error;
}

static void write_all(struct pack_writer *w, const void *data, size_t size,
                      uint64_t at)
{
    const char *from = data;

    while (!w->failed && size > 0) {
        ssize_t n = pwrite(w->fd, from, size, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            give_up(w, n < 0 ? errno : ENOSPC);
            return;
        }
        from += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
}

static void flush(struct pack_writer *w)
{
    uint64_t sum = sum_of(w->piece.at, w->piece.len);

    if (w->piece.len == 0)
        return;
    write_all(w, w->piece.at, w->piece.len, w->at - w->piece.len);
    strbuf_put(&w->sums, (struct slice){ (const char *)&sum, sizeof sum });
    strbuf_clear(&w->piece);
}

/* Through a piece's worth of memory: it is hashed and written while it is in
 * the cache of the processor. */
static void add(struct pack_writer *w, const char *data, size_t size)
{
    while (!w->failed && size > 0) {
        size_t n = PIECE_SIZE - w->piece.len;
        n = n < size ? n : size;
        strbuf_put(&w->piece, (struct slice){ data, n });
        data += n;
        size -= n;
        w->at += n;
        if (w->piece.len == PIECE_SIZE)
            flush(w);
        if (w->piece.failed || w->sums.failed)
            give_up(w, ENOMEM);
    }
}

static void align_end(struct pack_writer *w)
{
    static const char zeros[ENTRY_ALIGN];
    add(w, zeros, (ENTRY_ALIGN - w->at % ENTRY_ALIGN) % ENTRY_ALIGN);
}

void pack_writer_begin(struct pack_writer *w, int fd)
{
    *w = (struct pack_writer){ .fd = fd, .at = HEAD_SIZE };
    if (!strbuf_reserve(&w->piece, PIECE_SIZE))
        give_up(w, ENOMEM);
}

void pack_writer_put(struct pack_writer *w, uint64_t id, const void *data,
                     size_t size)
{
    align_end(w);
    struct pack_entry e = { .id = id, .at = w->at, .size = size };
    strbuf_put(&w->entries, (struct slice){ (const char *)&e, sizeof e });
    if (w->entries.failed)
        give_up(w, ENOMEM);
    add(w, data, size);
}

static void write_table(struct pack_writer *w, const struct pack_key *key)
{
    struct head h = { .key = *key, .table_at = w->at,
                      .n_entries = w->entries.len / sizeof(struct pack_entry),
                      .n_pieces = w->sums.len / sizeof(uint64_t) };
    char        block[HEAD_SIZE] = { 0 };

    strbuf_put(&w->entries, strbuf_slice(&w->sums));
    if (w->entries.failed || w->sums.failed) {
        give_up(w, ENOMEM);
        return;
    }
    memcpy(h.magic, magic, sizeof magic);
    h.file_size = w->at + w->entries.len;
    h.table_sum = sum_of(w->entries.at, w->entries.len);
    h.head_sum = head_sum(&h);
    write_all(w, w->entries.at, w->entries.len, w->at);
    memcpy(block, &h, sizeof h);
    write_all(w, block, sizeof block, 0);
}

bool pack_writer_end(struct pack_writer *w, const struct pack_key *key)
{
    align_end(w);
    if (!w->failed)
        flush(w);
    if (!w->failed)
        write_table(w, key);
    pack_writer_drop(w);
    return !w->failed;
}

void pack_writer_drop(struct pack_writer *w)
{
    strbuf_drop(&w->piece);
    strbuf_drop(&w->entries);
    strbuf_drop(&w->sums);
}
