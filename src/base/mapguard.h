/* A file that shrinks while it is mapped raises SIGBUS at the next read.  The
 * command line installs this guard so that the process ends with a sentence
 * and status 1 instead of a signal.  The library never installs it.
 *
 * One of the few places with state at file scope: a signal handler has no
 * argument to carry it. */
#ifndef OSMIA_BASE_MAPGUARD_H
#define OSMIA_BASE_MAPGUARD_H

#include "base/file.h"

/* Install the handler.  Call once, from main, before threads exist. */
void mapguard_install(void);
/* Name the mapping, so that the sentence can name the file.  At most
 * MAPGUARD_FILES are remembered (the largest models come in some 200); more are
 * guarded without a name. */
enum { MAPGUARD_FILES = 1024 };
void mapguard_watch(const struct file *f);
void mapguard_forget(const struct file *f);

/* From now on the process lives on: what the file lost reads as zeros, and
 * mapguard_broken says so for good.  For servers, which must tell their clients
 * before they end.  Files beyond those that are remembered still end it. */
void mapguard_survive(void);
bool mapguard_broken(void);

#endif
