/* Has somebody written to the model's files?  They are mapped, so what is
 * written is computed with from then on, by halves.  Size and time of change
 * tell, at the cost of one stat a second.  A file that was replaced by another
 * (renamed over, as package managers do) is no change: we keep the old one's
 * pages. */
#include "serve/model_watch.h"
#include "base/mapguard.h"

#include <sys/stat.h>

static bool file_has_changed(const struct file *f)
{
    struct stat st;

    if (stat(f->path, &st) != 0 || (uint64_t)st.st_ino != f->inode
        || (uint64_t)st.st_dev != f->device)
        return false;
    int64_t mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000
                     + st.st_mtim.tv_nsec;
    return mtime_ns != f->mtime_ns || (uint64_t)st.st_size != f->size;
}

bool model_has_changed(const struct checkpoint *c)
{
    if (mapguard_broken())
        return true;
    for (size_t i = 0; i < c->n_files; i++)
        if (file_has_changed(c->files[i]))
            return true;
    return false;
}
