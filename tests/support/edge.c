#include "support/check.h"

#include "support/edge.h"
#include <sys/mman.h>
#include <unistd.h>

void edge_open(struct edge *e, size_t most)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    e->usable = (most / page + 1) * page;
    e->map_size = e->usable + page;
    e->map = mmap(NULL, e->map_size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(e->map, MAP_FAILED);
    assert_int_equal(mprotect(e->map + e->usable, page, PROT_NONE), 0);
}

struct slice edge_put(struct edge *e, struct slice bytes)
{
    char *at = e->map + e->usable - bytes.len;

    assert_true(bytes.len <= e->usable);
    if (bytes.len > 0)
        memmove(at, bytes.at, bytes.len);
    return (struct slice){ at, bytes.len };
}

void edge_close(struct edge *e)
{
    munmap(e->map, e->map_size);
    *e = (struct edge){ 0 };
}
