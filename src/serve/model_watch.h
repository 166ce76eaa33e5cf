/* Are the model's files still what they were when they were opened? */
#ifndef OSMIA_SERVE_MODEL_WATCH_H
#define OSMIA_SERVE_MODEL_WATCH_H

#include "format/checkpoint.h"

/* A file that was written to or cut says yes.  One that was replaced by another
 * of the same name does not: the bytes that are mapped are still the old
 * ones. */
bool model_has_changed(const struct checkpoint *c);

#endif
