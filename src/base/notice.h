/* Notices: things that went on in an unexpected but lawful way (a special id
 * out of range, a context cut to what fits).  Lower floors say them to a sink
 * that the caller gave; the library itself never prints.
 *
 * struct err_info carries what stops the work, a notice what does not. */
#ifndef OSMIA_BASE_NOTICE_H
#define OSMIA_BASE_NOTICE_H

struct notices {
    void (*say)(void *arg, const char *sentence);
    void  *arg;
};

/* to == NULL or to->say == NULL: nobody listens. */
void notice(const struct notices *to, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
