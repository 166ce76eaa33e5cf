/* Every weight format, once: a line here and a file of that name. */
#ifndef OSMIA_WEIGHTS_WEIGHT_LIST_H
#define OSMIA_WEIGHTS_WEIGHT_LIST_H

#define WEIGHT_LIST(X)                                                       \
    X(f32)                                                                   \
    X(f16)                                                                   \
    X(bf16)                                                                  \
    X(q4_0)                                                                  \
    X(q4_1)                                                                  \
    X(q5_0)                                                                  \
    X(q5_1)                                                                  \
    X(q8_0)                                                                  \
    X(q2_k)                                                                  \
    X(q3_k)                                                                  \
    X(q4_k)                                                                  \
    X(q5_k)                                                                  \
    X(q6_k)                                                                  \
    X(iq4_nl)                                                                \
    X(iq4_xs)                                                                \
    X(mxfp4)                                                                 \
    X(f8_e4m3)                                                               \
    X(f8_e5m2)                                                               \
    X(iq2_xxs)                                                               \
    X(iq2_xs)                                                                \
    X(iq2_s)                                                                 \
    X(iq3_xxs)                                                               \
    X(iq3_s)                                                                 \
    X(iq1_s)                                                                 \
    X(iq1_m)                                                                 \
    X(tq1_0)                                                                 \
    X(tq2_0)                                                                 \
    X(nvfp4)                                                                 \
    X(q1_0)                                                                  \
    X(q2_0)

#endif
