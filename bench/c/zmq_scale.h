// SPDX-License-Identifier: MIT
//
// Works that grow, for zmq.c: messages that nobody wants, one sender to many connections, and opening and closing them. The
// other ends of those connections are plain sockets that greet as a PULL and read without an end, as in the worker in Go.

#ifndef ZMQ_SCALE_H
#define ZMQ_SCALE_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum {
    MOST_SOCKETS = 16384,
    MOST_SINKS = 16384,
    SINKS_AT_ONCE = 64,
    BAD_TOPIC = 245, // topics of 246 to 255 bytes are announced wrongly by libzmq 4.3.4, in a frame that says less than it has
    BAD_TOPICS = 10,
    SPREAD_HWM = 100, // 1000 of each of many connections would be millions before anything blocks
};

// listen_anywhere binds a socket of a context that allows many, and returns where.
static struct sockaddr_in listen_anywhere(void **socket, int type, char *url, size_t size)
{
    context = zmq_ctx_new();
    check("ZMQ_MAX_SOCKETS", zmq_ctx_set(context, ZMQ_MAX_SOCKETS, MOST_SOCKETS));
    allow_many_connections();
    *socket = open_socket(type);
    set_option(*socket, ZMQ_BACKLOG, 4096);
    set_option(*socket, ZMQ_LINGER, 0);
    if (type == ZMQ_PUSH) {
        set_option(*socket, ZMQ_SNDHWM, SPREAD_HWM);
    }
    check("zmq_bind", zmq_bind(*socket, "tcp://127.0.0.1:*"));
    check("ZMQ_LAST_ENDPOINT", zmq_getsockopt(*socket, ZMQ_LAST_ENDPOINT, url, &size));
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    at.sin_port = htons((unsigned short) atoi(strrchr(url, ':') + 1));
    return at;
}

static void *discard(void *socket)
{
    zmq_msg_t message;
    zmq_msg_init(&message);
    while (zmq_msg_recv(&message, socket, 0) >= 0) {
    }
    return NULL;
}

// unwanted has many subscribers with a topic each, or one with topics of many lengths. The body begins with none of them, but
// shares all bytes but the last with each of those lengths. If they are nested, it begins with all of them, and is received.
static void unwanted(void)
{
    int subs = count_arg("subs", NULL, MOST_SOCKETS / 2), joined = 0, nested = shape_is("nested");
    size_t size = size_arg();
    char url[64], *body = body_of(size), *topic = body_of((size_t) subs + 32);
    void *pub, *sub = NULL;
    listen_anywhere(&pub, ZMQ_XPUB, url, sizeof url);
    set_option(pub, ZMQ_XPUB_VERBOSER, 1);
    for (int i = 0; i < subs; i++) {
        int length;
        if (nested || shape_is("lengths")) {
            length = i + 1 + (i >= BAD_TOPIC ? BAD_TOPICS : 0);
            memset(topic, 'x', (size_t) length - 1);
            topic[length - 1] = nested ? 'x' : 'y';
        } else {
            length = sprintf(topic, "topic %d", i);
        }
        if (sub == NULL || !(nested || shape_is("lengths"))) {
            sub = open_socket(ZMQ_SUB);
            set_option(sub, ZMQ_SNDHWM, 0); // else subscriptions beyond its 1000 are dropped
            check(url, zmq_connect(sub, url));
        }
        check("subscribe", zmq_setsockopt(sub, ZMQ_SUBSCRIBE, topic, (size_t) length));
        while (joined <= i) {
            follow_subscriptions(pub, &joined, 0);
        }
    }
    if (nested) {
        pthread_detach(start_thread(discard, sub));
    }
    struct stint stint = stint_of(size);
    while (stint_goes_on(&stint)) {
        send_body(pub, body, size);
    }
    report_sent(&stint, size, seconds_since(stint.start));
}

// Sinks.

static int sinks_poll;
static atomic_ullong sinks_read; // bytes

static void *read_sinks(void *unused)
{
    static char discarded[64 << 10];
    struct epoll_event events[256];
    (void) unused;
    for (;;) {
        int n = epoll_wait(sinks_poll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            ssize_t got = read(events[i].data.fd, discarded, sizeof discarded);
            if (got > 0) {
                atomic_fetch_add(&sinks_read, (unsigned long long) got);
            } else {
                close(events[i].data.fd);
            }
        }
    }
    return NULL;
}

enum { GREETING = 64 };

static const char pull_ready[] = "\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04PULL";

static void read_exactly(int fd, unsigned char *to, size_t size)
{
    while (size > 0) {
        ssize_t n = read(fd, to, size);
        if (n <= 0) {
            die("a sink: the connection ended in its handshake");
        }
        to += n;
        size -= (size_t) n;
    }
}

// dial_sink connects and sends the whole handshake, whose other half finish_sink reads.
static int dial_sink(const struct sockaddr_in *at)
{
    char hello[GREETING + sizeof pull_ready - 1] = {(char) 0xff, [9] = 0x7f, [10] = 3};
    memcpy(hello + 12, "NULL", 4);
    memcpy(hello + GREETING, pull_ready, sizeof pull_ready - 1);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *) at, sizeof *at) < 0
        || write(fd, hello, sizeof hello) != (ssize_t) sizeof hello) {
        die("a sink: %s", strerror(errno));
    }
    return fd;
}

static void finish_sink(int fd)
{
    unsigned char theirs[GREETING + 256];
    read_exactly(fd, theirs, GREETING);
    read_exactly(fd, theirs, 2);
    read_exactly(fd, theirs + 2, theirs[1]);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(sinks_poll, EPOLL_CTL_ADD, fd, &event) < 0) {
        die("epoll_ctl: %s", strerror(errno));
    }
}

// open_sinks opens that many connections, some at once, and returns when the socket has all of them.
static void open_sinks(const struct sockaddr_in *at, void *handshakes, int n)
{
    int fds[SINKS_AT_ONCE];
    sinks_poll = epoll_create1(0);
    pthread_detach(start_thread(read_sinks, NULL));
    for (int opened = 0; opened < n;) {
        int some = n - opened < SINKS_AT_ONCE ? n - opened : SINKS_AT_ONCE;
        for (int i = 0; i < some; i++) {
            fds[i] = dial_sink(at);
        }
        for (int i = 0; i < some; i++) {
            finish_sink(fds[i]);
        }
        for (int i = 0; i < some; i++) {
            char event[256];
            check("zmq_recv", zmq_recv(handshakes, event, sizeof event, 0)); // the event
            check("zmq_recv", zmq_recv(handshakes, event, sizeof event, 0)); // and where
        }
        opened += some;
    }
}

// push_to_sinks returns a socket and the one that reports its handshakes.
static void *push_to_sinks(struct sockaddr_in *at, void **handshakes)
{
    static const char monitor_url[] = "inproc://handshakes";
    char url[64];
    void *push;
    *at = listen_anywhere(&push, ZMQ_PUSH, url, sizeof url);
    check("zmq_socket_monitor", zmq_socket_monitor(push, monitor_url, ZMQ_EVENT_HANDSHAKE_SUCCEEDED));
    *handshakes = dial_to(ZMQ_PAIR, monitor_url);
    return push;
}

// spread sends to many connections in turn. Its time ends when they have received all.
static void spread(void)
{
    int pipes = count_arg("pipes", NULL, MOST_SINKS);
    size_t size = size_arg();
    char *body = body_of(size);
    struct sockaddr_in at;
    void *handshakes, *push = push_to_sinks(&at, &handshakes);
    open_sinks(&at, handshakes, pipes);
    struct stint stint = stint_of(size);
    while (stint_goes_on(&stint)) {
        send_body(push, body, size);
    }
    unsigned long long all = stint.sent * (unsigned long long) (size + (size < 256 ? 2 : 9));
    while (atomic_load(&sinks_read) < all) {
        usleep(100);
    }
    report_sent(&stint, size, seconds_since(stint.start));
}

// many_pipes times opening and closing the connections of one socket.
static void many_pipes(void)
{
    int pipes = count_arg("pipes", NULL, MOST_SINKS);
    struct sockaddr_in at;
    void *handshakes, *push = push_to_sinks(&at, &handshakes);
    uint64_t start = now_ns();
    open_sinks(&at, handshakes, pipes);
    double opened = seconds_since(start);
    start = now_ns();
    zmq_close(push);
    zmq_close(handshakes);
    zmq_ctx_term(context);
    printf("{\"opened\":%.9f,\"closed\":%.9f}\n", opened, seconds_since(start));
    fflush(stdout);
    _exit(0);
}

#endif
