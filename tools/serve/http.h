/* http.h - HTTP for the routes. http.c is the one file that knows libmicrohttpd. */
#ifndef SERVE_HTTP_H
#define SERVE_HTTP_H

#include "server.h"

/* Starts to answer at s->listener by s->routes. False on failure. */
bool http_start(server *s, nbase_error *err);

/* Accepts no more connections; those that are there are still answered. */
void http_quiesce(server *s);

/* Ends the connections that are left. No job may be with the workers. Safe if it never started. */
void http_stop(server *s);

#endif
