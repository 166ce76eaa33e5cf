/* Least privilege: what the process may still do once it serves.
 *
 *   0. Before the event loop is made: no io_uring (sandbox_no_rings).
 *   1. Before the first thread: files.  Landlock leaves the model's files, the
 *      process's own /proc, the control groups and, where somebody is to be
 *      told something by URL, what names and certificates need, to be read; a
 *      cache folder to be written; and TCP connections to those URLs' ports.
 *   2. Once the model is there, on all threads: system calls.  What serving
 *      needs is allowed, the rest answers EPERM: no program is executed, no
 *      process made or looked into.
 *
 * A kernel that has one of them or neither is told of by sandbox_name; who
 * insists, insists by `required`. */
#ifndef OSMIA_SERVE_SANDBOX_H
#define OSMIA_SERVE_SANDBOX_H

#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

enum { SANDBOX_PORTS = 4 };

struct sandbox {
    bool        required;
    const char *model;           /* a file or a folder; may be a link */
    const char *cache;           /* may be written to; NULL: there is none */
    uint16_t    ports[SANDBOX_PORTS];    /* of URLs, */
    unsigned    n_ports;                 /*   how many; 0: nobody is called */
    /* what is in force */
    bool        files, calls;
};

/* The port a URL leads to is allowed. */
void        sandbox_allow_url(struct sandbox *s, const char *url);

/* ERR_UNKNOWN: it is required, and the kernel has no such thing. */
enum err    sandbox_files(struct sandbox *s, struct err_info *why);
enum err    sandbox_calls(struct sandbox *s, struct err_info *why);

/* "full", "partial" or "none".  NULL is fine: "none". */
const char *sandbox_name(const struct sandbox *s);

/* From now on the kernel seems to have no io_uring.  What is asked for through a
 * ring passes by every filter of system calls, so none may be open when they
 * come; the event loop's library (libuv since 1.45) opens one where it can and
 * does without where it cannot.  Does nothing where there are no filters. */
void        sandbox_no_rings(void);

/* No core files, and no reading of our memory by others of the same user. */
void        sandbox_no_cores(void);

#endif
