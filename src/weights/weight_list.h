/* Every weight format, once: a line here and a file of that name. */
#ifndef OSMIA_WEIGHTS_WEIGHT_LIST_H
#define OSMIA_WEIGHTS_WEIGHT_LIST_H

#define WEIGHT_LIST(X)                                                       \
    X(f32)

#endif
