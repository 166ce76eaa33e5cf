/* Busy loops beside what is measured: other people's programs. */
#ifndef OSMIA_CLI_NEIGHBOURS_H
#define OSMIA_CLI_NEIGHBOURS_H

#include "base/err.h"

struct neighbours;

/* Start n threads that compute until they are sent away. */
enum err neighbours_invite(struct neighbours **out, unsigned n,
                           struct err_info *why);
void     neighbours_send_away(struct neighbours *n);

#endif
