/* Where the weights of a CPU device live: in its own memory, or in a file of
 * packed weights that an earlier start has left. */
#ifndef OSMIA_DEVICE_CPU_STORE_H
#define OSMIA_DEVICE_CPU_STORE_H

#include "device/device.h"
#include "device/pack_file.h"
#include "device/pack_folder.h"

/* Between store_begin and store_end a cache on disk is read or written. */
struct cpu_store {
    struct pack_folder    folder;
    struct pack_key       key;
    char                  name[PACK_NAME_SIZE];
    struct pack_file      file;         /* read from; mapped until the end of
                                           the device */
    struct pack_writer    writer;
    int                   writing;      /* the descriptor it writes to; -1 */
    struct pack_options   options;
};

struct cpu;

void cpu_store_begin(struct device *d, const struct pack_options *o);
void cpu_store_end(struct device *d, bool complete);
const struct file *cpu_store_file(const struct device *d);
void cpu_store_close(struct cpu *c);

/* The packed form that the cache has under this id, or NULL. */
const void *cpu_store_find(struct cpu *c, uint64_t id, size_t size);
/* Keep a packed form for the next start. */
void cpu_store_put(struct cpu *c, uint64_t id, const void *data, size_t size);

#endif
