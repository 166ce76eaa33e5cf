/* Telling the service manager (systemd) how we do: datagrams to the socket that
 * NOTIFY_SOCKET names.  It is opened early, since a sandbox may deny it later. */
#ifndef OSMIA_SERVE_NOTIFY_H
#define OSMIA_SERVE_NOTIFY_H

/* A file descriptor; -1: nobody wants to know. */
int  notify_open(void);
/* state: "READY=1", "STOPPING=1". */
void notify_manager(int fd, const char *state);

#endif
