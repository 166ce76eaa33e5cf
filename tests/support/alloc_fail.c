/* The state is at file scope: malloc has no argument to carry it.
 *
 *   1. `rows` is a hash set with open addressing of the live allocations made
 *      while `watching`; NULL is a free row.
 *   2. Everything here is read and written under `lock`. */
#include "support/check.h"

#include "support/alloc_fail.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { N_ROWS = 1 << 18 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool watching;
static size_t asked, fail_at, n_live;
static const void *rows[N_ROWS];

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
int   __real_posix_memalign(void **out, size_t align, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t n);
void  __real_free(void *p);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
int   __wrap_posix_memalign(void **out, size_t align, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t n);
void  __wrap_free(void *p);

/* ---- the set ---- */

static size_t home(const void *p)
{
    return (size_t)((uintptr_t)p * 0x9E3779B97F4A7C15u >> 40) % N_ROWS;
}

static size_t find(const void *p)
{
    size_t at = home(p);

    while (rows[at] != NULL && rows[at] != p)
        at = (at + 1) % N_ROWS;
    return at;
}

static void insert(const void *p)
{
    assert_true(n_live < N_ROWS / 2);
    rows[find(p)] = p;
    n_live++;
}

/* Rows behind the freed one move up when their way from home led past it. */
static void erase(const void *p)
{
    size_t gap = find(p);

    if (rows[gap] == NULL)
        return;                 /* older than alloc_fail_at, or a library's */
    n_live--;
    for (size_t at = (gap + 1) % N_ROWS; rows[at] != NULL;
         at = (at + 1) % N_ROWS) {
        size_t way = (at - home(rows[at])) % N_ROWS;
        if (way >= (at - gap) % N_ROWS) {
            rows[gap] = rows[at];
            gap = at;
        }
    }
    rows[gap] = NULL;
}

/* ---- what the wrappers ask ---- */

static bool refused(void)
{
    pthread_mutex_lock(&lock);
    bool refuse = watching && ++asked == fail_at;
    pthread_mutex_unlock(&lock);
    if (refuse)
        errno = ENOMEM;
    return refuse;
}

static void *born(void *p)
{
    pthread_mutex_lock(&lock);
    if (watching && p != NULL)
        insert(p);
    pthread_mutex_unlock(&lock);
    return p;
}

static void died(const void *p)
{
    pthread_mutex_lock(&lock);
    if (watching && p != NULL)
        erase(p);
    pthread_mutex_unlock(&lock);
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : born(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return refused() ? NULL : born(__real_calloc(n, size));
}

void *__wrap_realloc(void *old, size_t size)
{
    if (refused())
        return NULL;
    /* Before the call: once freed, its address may be another thread's. */
    died(old);
    void *p = __real_realloc(old, size);
    born(p != NULL ? p : old);
    return p;
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
    return refused() ? NULL : born(__real_aligned_alloc(align, size));
}

int __wrap_posix_memalign(void **out, size_t align, size_t size)
{
    if (refused())
        return ENOMEM;
    int error = __real_posix_memalign(out, align, size);
    if (error == 0)
        born(*out);
    return error;
}

char *__wrap_strdup(const char *text)
{
    return refused() ? NULL : born(__real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t n)
{
    return refused() ? NULL : born(__real_strndup(text, n));
}

void __wrap_free(void *p)
{
    died(p);
    __real_free(p);
}

/* ---- what the tests ask ---- */

void alloc_fail_at(size_t n)
{
    pthread_mutex_lock(&lock);
    memset(rows, 0, sizeof rows);
    n_live = asked = 0;
    fail_at = n;
    watching = true;
    pthread_mutex_unlock(&lock);
}

size_t alloc_fail_asked(void)
{
    pthread_mutex_lock(&lock);
    size_t n = asked;
    pthread_mutex_unlock(&lock);
    return n;
}

size_t alloc_fail_off(void)
{
    pthread_mutex_lock(&lock);
    size_t n = n_live;
    watching = false;
    pthread_mutex_unlock(&lock);
    return n;
}

size_t alloc_fail_each(enum err (*body)(void *arg), void *arg)
{
    for (size_t n = 1;; n++) {
        alloc_fail_at(n);
        enum err e = body(arg);
        size_t n_asked = alloc_fail_asked(), n_lost = alloc_fail_off();

        if (n_lost != 0)
            fail_msg("allocation %zu failed: %zu pieces leaked", n, n_lost);
        if (n_asked < n) {
            if (e != ERR_OK)
                fail_msg("no allocation failed, yet: %s", err_text(e));
            return n_asked;
        }
        if (e != ERR_NOMEM)
            fail_msg("allocation %zu failed, the answer is: %s", n,
                     err_text(e));
    }
}
