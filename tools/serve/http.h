/* http.h - the one file that knows libmicrohttpd is http.c. */
#ifndef SERVE_HTTP_H
#define SERVE_HTTP_H

#include "server.h"

/* Binds and starts answering; prints its own errors. */
bool http_start(server *s);
/* No new connections; those at work go on. */
void http_quiesce(server *s);
/* Ends the connections that are left. No job may be on its way. */
void http_stop(server *s);

#endif
