#include "listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fail.h"

/* Connections that the system holds for us until they are accepted. */
enum { BACKLOG = 511 };

/* "HOST:PORT" in two; brackets around an IPv6 address are removed. */
static bool split_address(const char *text, char *host, size_t host_size, char *port,
                          size_t port_size)
{
    const char *colon = strrchr(text, ':');
    if (!colon || !colon[1]) return false;
    size_t n = (size_t)(colon - text);
    if (n >= 2 && text[0] == '[' && text[n - 1] == ']') text++, n -= 2;
    if (n >= host_size || strlen(colon + 1) >= port_size ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1))
        return false;
    snprintf(host, host_size, "%.*s", (int)n, text);
    snprintf(port, port_size, "%s", colon + 1);
    return true;
}

static bool is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return (ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24) == 127;
    return a->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
}

/* A listening socket, or -1 with errno. */
static int listen_on(const struct addrinfo *a)
{
    int on = 1,
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) return fd;
    int code = errno;
    close(fd);
    errno = code;
    return -1;
}

static void note_address(listener *l)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    char host[50] = "?", port[8] = "?";
    if (getsockname(l->fd, (struct sockaddr *)&bound, &size) == 0)
        getnameinfo((struct sockaddr *)&bound, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(l->address, sizeof l->address, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

/* Finds the address; null with *err if there is none, or if strangers could reach it. */
static struct addrinfo *find_address(const char *text, bool guarded, nbase_error *err)
{
    char host[200], port[8];
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    if (!split_address(text, host, sizeof host, port, sizeof port)) {
        tool_fail(err, NBASE_ERR_ARG, "--listen %s: expected HOST:PORT, for example 127.0.0.1:5000",
                  text);
        return NULL;
    }
    int code = getaddrinfo(host[0] ? host : NULL, port, &hints, &found);
    if (code) {
        tool_fail(err, NBASE_ERR_ARG, "--listen %s: %s", text, gai_strerror(code));
        return NULL;
    }
    if (guarded || is_loopback(found->ai_addr)) return found;
    freeaddrinfo(found);
    tool_fail(err, NBASE_ERR_ARG,
              "--listen %s can be reached from outside: give --token-file FILE, or --allow-public "
              "if something in front keeps strangers out",
              text);
    return NULL;
}

bool listener_open(listener *l, const char *text, bool guarded, nbase_error *err)
{
    l->fd = -1;
    struct addrinfo *found = find_address(text, guarded, err);
    if (!found) return false;
    l->fd = listen_on(found);
    if (l->fd < 0) tool_fail(err, NBASE_ERR_IO, "--listen %s: %s", text, strerror(errno));
    freeaddrinfo(found);
    if (l->fd < 0) return false;
    note_address(l);
    return true;
}

void listener_close(listener *l)
{
    if (l->fd >= 0) close(l->fd);
    l->fd = -1;
}
