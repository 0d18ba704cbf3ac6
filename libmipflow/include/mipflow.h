/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libmipflow: a program speaks with the mobile node of its host (mipflow-mnd) about its own flows: what it wants for a socket,
 * which interface the socket's flow uses, moving it, and being told when it was moved. libmipflow(3) has an example.
 *
 * A socket is a TCP or UDP socket of the family AF_INET6; its flow exists from its first packet on. Every function but
 * mipflow_open() and mipflow_close() may be called by several threads with the same handle at a time. None blocks longer than
 * the daemon takes to answer, five seconds at most. None changes the socket.
 *
 * Functions return 0 or more when all went well and a negative errno otherwise; mipflow_last_message() has a sentence for it.
 *   -ECONNREFUSED     no daemon answers       -EACCES        only root and the group mipflow may ask
 *   -EPERM            the socket belongs to another user, or the class can not be asked for
 *   -EINVAL           no such class, or a wrong argument          -ENODEV   no such interface
 *   -ENETDOWN         the interface can not carry flows now        -ENOENT   the socket has no flow yet, or none any more
 *   -ENOTCONN         the socket is not connected                  -EBADF, -ENOTSOCK   it is no socket
 *   -EAFNOSUPPORT, -EPROTONOSUPPORT   no IPv6 socket, neither TCP nor UDP
 *   -ENOSPC           too many sockets are watched                 -EPROTO, -EIO, -ENOMEM, -EBUSY   as their names say
 */
#ifndef MIPFLOW_H
#define MIPFLOW_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MIPFLOW_API __attribute__((visibility("default")))

#define MIPFLOW_WATCH_MOST 64     /* sockets that one handle watches at a time */
#define MIPFLOW_WATCH_INTERVAL 250 /* milliseconds between two looks at them */

/* A connection with the daemon. */
struct mipflow_handle;

/* Where a flow goes. Texts end with a null octet; an empty one: there is none. */
struct mipflow_flow {
  uint64_t id;                /* as `mipflow flow list` shows it */
  char class_name[128];       /* of the policy */
  char interface_name[16];    /* empty: no interface can carry it now */
  char home_address[46];      /* the source that the other end sees */
  char care_of_address[46];   /* the source on the way */
  int direct;                 /* 1: straight to the other end; 0: by way of the home agent */
};

/* A watched socket's flow goes another way than before. */
struct mipflow_event {
  int socket;
  struct mipflow_flow before;
  struct mipflow_flow now;
};

/* Makes a handle. `socket_path`: of the daemon's control socket; NULL: $MIPFLOW_SOCKET or /run/mipflow/mnd.sock. On failure
 * *handle is NULL, or, when the daemon can not be reached, a handle that tells by mipflow_last_message() why, works as soon as
 * the daemon does, and has to be closed. */
MIPFLOW_API int mipflow_open(const char *socket_path, struct mipflow_handle **handle);
/* Nothing that was asked for is taken back. NULL is allowed. */
MIPFLOW_API void mipflow_close(struct mipflow_handle *handle);

/* What went wrong in the last call with this handle that failed, a sentence; cut to `size` octets with the null octet. Returns
 * the length of all of it. */
MIPFLOW_API size_t mipflow_last_message(struct mipflow_handle *handle, char *buffer, size_t size);

/* From now on flows of the socket belong to this class of the policy (it has to say selectable = true), a live one too. Best
 * called before connect(). NULL or "": again as the rules say. */
MIPFLOW_API int mipflow_want_class(struct mipflow_handle *handle, int socket, const char *class_name);
/* Flows of the socket that begin from now on begin on this interface; a live one is moved by mipflow_move(). NULL or "": again as
 * the class says. */
MIPFLOW_API int mipflow_want_interface(struct mipflow_handle *handle, int socket, const char *interface_name);

/* Where the flow of a connected socket goes now. */
MIPFLOW_API int mipflow_get_flow(struct mipflow_handle *handle, int socket, struct mipflow_flow *flow);
/* Moves the flow of a connected socket, and with it those that share its home address. Neither end notices. */
MIPFLOW_API int mipflow_move(struct mipflow_handle *handle, int socket, const char *interface_name);

/* Watches the flow of a connected socket, from where it goes now or, when there is none yet, from where it begins. Ends with
 * mipflow_unwatch() or by itself when the socket has been closed. */
MIPFLOW_API int mipflow_watch(struct mipflow_handle *handle, int socket);
MIPFLOW_API int mipflow_unwatch(struct mipflow_handle *handle, int socket);
/* A descriptor for poll(): readable when it is time for mipflow_next_event(). It belongs to the handle. Readable does not mean
 * that there is an event: watched sockets are looked at every MIPFLOW_WATCH_INTERVAL. */
MIPFLOW_API int mipflow_event_fd(struct mipflow_handle *handle);
/* 1 and the next event; 0 when there is none now. To be called until it returns something else than 1. */
MIPFLOW_API int mipflow_next_event(struct mipflow_handle *handle, struct mipflow_event *event);

#ifdef __cplusplus
}
#endif

#endif
