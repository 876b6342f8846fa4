// SPDX-License-Identifier: MIT
//
// Messages on plain sockets, for raw.c: connections, and messages written to them and cut out of what they bring. A
// message is four bytes of length in this machine's order and the body.

#ifndef RAW_STREAM_H
#define RAW_STREAM_H

#include "worker.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

enum {
    HEADER = sizeof(uint32_t),
    MOST_BODY = 64 << 20,
    BACKLOG = 4096,
    READ_SIZE = 256 << 10,
    // Buffers of the mode tuned, found by trying 192 KiB to 2 MiB. raw_tuned.go has the same.
    TUNED_UNIX_BUFFER = 1 << 20, // from 8 KiB a message on
    TUNED_UNIX_FROM = 8 << 10,
    TUNED_TCP_BUFFER = 192 << 10, // from 1 MiB a message on
    TUNED_TCP_FROM = 1 << 20,
    TUNED_READ_SIZE = 1 << 20, // over Unix sockets, from 64 KiB a message on
    TUNED_READ_FROM = 64 << 10,
};

static inline int check(const char *what, int rc)
{
    if (rc < 0) {
        die("%s: %s", what, strerror(errno));
    }
    return rc;
}

// Connections.

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_un un;
    };
    socklen_t length;
};

static inline struct address address_of(const char *url)
{
    struct address a = {.length = 0};
    char host[64];
    unsigned short port;
    if (strncmp(url, "ipc://", 6) == 0 && strlen(url + 6) < sizeof a.un.sun_path) {
        a.un.sun_family = AF_UNIX;
        strcpy(a.un.sun_path, url + 6);
        a.length = sizeof a.un;
    } else if (sscanf(url, "tcp://%63[0-9.]:%hu", host, &port) == 2 && inet_pton(AF_INET, host, &a.in.sin_addr) == 1) {
        a.in.sin_family = AF_INET;
        a.in.sin_port = htons(port);
        a.length = sizeof a.in;
    } else {
        die("%s: neither tcp://IPV4:PORT nor ipc://PATH", url);
    }
    return a;
}

static inline void set_send_buffer(int fd, int size)
{
    check("SO_SNDBUF", setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
}

// prepare sets the options of a connection.
static inline int prepare(int fd)
{
    struct sockaddr_storage own;
    socklen_t length = sizeof own;
    check("getsockname", getsockname(fd, (struct sockaddr *) &own, &length));
    int tuned = mode_is("tuned");
    if (own.ss_family == AF_INET) {
        int on = 1;
        check("TCP_NODELAY", setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
        if (tuned && size_arg() >= TUNED_TCP_FROM) {
            set_send_buffer(fd, TUNED_TCP_BUFFER);
        }
    } else if (tuned && size_arg() >= TUNED_UNIX_FROM) {
        set_send_buffer(fd, TUNED_UNIX_BUFFER);
    }
    return fd;
}

static inline int listen_at(const char *url)
{
    struct address a = address_of(url);
    int fd = check("socket", socket(a.any.sa_family, SOCK_STREAM, 0));
    if (a.any.sa_family == AF_UNIX) {
        unlink(a.un.sun_path);
    }
    int on = 1;
    check("SO_REUSEADDR", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    check(url, bind(fd, &a.any, a.length));
    check(url, listen(fd, BACKLOG));
    return fd;
}

static inline int accept_from(int listener)
{
    return prepare(check("accept", accept(listener, NULL, NULL)));
}

static inline int dial_to(const char *url)
{
    struct address a = address_of(url);
    int fd = check("socket", socket(a.any.sa_family, SOCK_STREAM, 0));
    check(url, connect(fd, &a.any, a.length));
    return prepare(fd);
}

// read_size is how much the receiver of a flow reads at once.
static inline size_t read_size(void)
{
    int large = mode_is("tuned") && size_arg() >= TUNED_READ_FROM && strncmp(text_arg("url", NULL), "ipc:", 4) == 0;
    return large ? TUNED_READ_SIZE : READ_SIZE;
}

// close_after_flush returns when the receiver has read everything and closed.
static inline void close_after_flush(int fd)
{
    char nothing;
    shutdown(fd, SHUT_WR);
    while (read(fd, &nothing, 1) > 0) {
    }
    close(fd);
}

// Writing.

static inline void write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        size_t written = (size_t) check("write", (int) n);
        data += written;
        size -= written;
    }
}

// write_message writes a message by itself, with one call unless the system takes less.
static inline void write_message(int fd, const char *body, size_t size)
{
    uint32_t length = (uint32_t) size;
    struct iovec parts[] = {{&length, HEADER}, {(void *) body, size}};
    size_t written = (size_t) check("writev", (int) writev(fd, parts, 2));
    if (written < HEADER) {
        write_all(fd, (char *) &length + written, HEADER - written);
        written = HEADER;
    }
    write_all(fd, body + (written - HEADER), size - (written - HEADER));
}

// Reading.

// A reader cuts what it reads into messages. Its buffer grows to hold the largest of them, so that each is in one
// piece, and what is missing of a large one is read to where it belongs.
struct reader {
    int fd;
    char *data;
    size_t start, end, capacity;
};

static inline struct reader reader_of(int fd, size_t capacity)
{
    return (struct reader){.fd = fd, .data = body_of(capacity), .capacity = capacity};
}

// next_buffered returns the next message if all of it has been read, else NULL.
static inline const char *next_buffered(struct reader *r, size_t *size)
{
    uint32_t length;
    size_t have = r->end - r->start;
    if (have < HEADER) {
        return NULL;
    }
    memcpy(&length, r->data + r->start, HEADER);
    if (length > MOST_BODY) {
        die("a message claims %u bytes", length);
    }
    if (have < HEADER + (size_t) length) {
        if (HEADER + (size_t) length > r->capacity) {
            r->capacity = HEADER + (size_t) length;
            r->data = realloc(r->data, r->capacity);
            if (r->data == NULL) {
                die("no memory for %zu bytes", r->capacity);
            }
        }
        return NULL;
    }
    const char *body = r->data + r->start + HEADER;
    r->start += HEADER + length;
    *size = length;
    return body;
}

// fill reads once; 0 is the end of the connection.
static inline int fill(struct reader *r)
{
    memmove(r->data, r->data + r->start, r->end - r->start);
    r->end -= r->start;
    r->start = 0;
    ssize_t n = read(r->fd, r->data + r->end, r->capacity - r->end);
    if (n < 0 && errno == ECONNRESET) {
        n = 0;
    }
    r->end += (size_t) check("read", (int) n);
    return n > 0;
}

// next_message waits for a message; NULL is the end of the connection.
static inline const char *next_message(struct reader *r, size_t *size)
{
    const char *body;
    while ((body = next_buffered(r, size)) == NULL) {
        if (!fill(r)) {
            return NULL;
        }
    }
    return body;
}

#endif
