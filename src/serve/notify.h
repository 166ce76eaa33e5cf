/* Telling the service manager (systemd) how we do: one datagram to the socket
 * that NOTIFY_SOCKET names. */
#ifndef OSMIA_SERVE_NOTIFY_H
#define OSMIA_SERVE_NOTIFY_H

/* state: "READY=1", "STOPPING=1".  Does nothing without such a socket. */
void notify_manager(const char *state);

#endif
