/* Private to the safetensors reader: the JSON object in front of the data. */
#ifndef OSMIA_FORMAT_SAFETENSORS_HEADER_H
#define OSMIA_FORMAT_SAFETENSORS_HEADER_H

#include "format/safetensors.h"

/* Fill s->tensors with name, dtype, dims, and data_offsets as file_offset
 * (still relative) and size, in the order of the header. */
enum err safetensors_read_header(struct safetensors *s, const struct file *f,
                                 struct slice header, struct arena *arena,
                                 struct err_info *why);

#endif
