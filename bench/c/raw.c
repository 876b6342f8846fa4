// SPDX-License-Identifier: MIT
//
// The worker that drives plain sockets: what the system itself reaches. cc -O2 -pthread raw.c
//
// Reads ask for 256 KiB at once. Modes: batch collects 64 KiB of small messages for a write; tuned does too, with the best
// socket buffers for large messages; plain writes once a message, as a library does that does not batch. Nothing here
// queues, so nothing is lost, and a slow subscriber stops the publisher. There is no inproc here: no socket is in it.

#include "raw_stream.h"

#include <sys/epoll.h>

enum {
    BATCH_SIZE = 64 << 10,
    SHARED_READ_SIZE = 64 << 10, // where there are many connections: larger buffers would only leave the cache
    MOST_EVENTS = 256,
};

static void require_known_mode(void)
{
    if (!mode_is("plain") && !mode_is("batch") && !mode_is("tuned")) {
        not_applicable();
    }
}

// Batches.

// A batch holds small messages until they are worth a write to every one of its connections.
struct batch {
    const int *fds;
    int n;
    int single; // a write for each message
    size_t used;
    char data[BATCH_SIZE];
};

static void batch_flush(struct batch *b)
{
    for (int i = 0; i < b->n; i++) {
        write_all(b->fds[i], b->data, b->used);
    }
    b->used = 0;
}

static void batch_send(struct batch *b, const char *body, size_t size)
{
    if (HEADER + size > sizeof b->data - b->used) {
        batch_flush(b);
    }
    if (b->single || HEADER + size > sizeof b->data) {
        for (int i = 0; i < b->n; i++) {
            write_message(b->fds[i], body, size);
        }
        return;
    }
    uint32_t length = (uint32_t) size;
    memcpy(b->data + b->used, &length, HEADER);
    memcpy(b->data + b->used + HEADER, body, size);
    b->used += HEADER + size;
}

// send_flow sends messages for secs and then an end marker to each of these connections.
static struct stint send_flow(const int *fds, int n)
{
    size_t size = size_arg();
    char *body = body_of(size);
    static struct batch batch;
    batch.fds = fds;
    batch.n = n;
    batch.single = mode_is("plain");
    struct stint stint = stint_of(size);
    while (stint_goes_on(&stint)) {
        batch_send(&batch, body, size);
    }
    batch_send(&batch, body, END_SIZE);
    batch_flush(&batch);
    return stint;
}

// Many connections in one thread.

static int new_poll(void)
{
    return check("epoll_create1", epoll_create1(0));
}

// poll_add has the connection's events carry that number.
static void poll_add(int poll, int fd, int number)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = number};
    check("epoll_ctl", epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event));
}

static int poll_wait(int poll, struct epoll_event *events)
{
    int n = epoll_wait(poll, events, MOST_EVENTS, -1);
    return n < 0 && errno == EINTR ? 0 : check("epoll_wait", n);
}

// dial_readers opens that many connections.
static struct reader *dial_readers(int poll, int n)
{
    struct reader *readers = (struct reader *) body_of((size_t) n * sizeof *readers);
    for (int i = 0; i < n; i++) {
        readers[i] = reader_of(dial_to(text_arg("url", NULL)), SHARED_READ_SIZE);
        poll_add(poll, readers[i].fd, i);
    }
    return readers;
}

// receive_flows receives from all connections up to the end marker of each.
static void receive_flows(int poll, struct reader *readers, struct flow *flows, int n)
{
    struct epoll_event events[MOST_EVENTS];
    for (int open = n; open > 0;) {
        int ready = poll_wait(poll, events);
        for (int i = 0; i < ready; i++) {
            struct reader *r = &readers[events[i].data.fd];
            if (!fill(r)) {
                die("a sender closed before its end marker");
            }
            for (size_t size; next_buffered(r, &size) != NULL;) {
                if (size == END_SIZE) {
                    close(r->fd);
                    open--;
                    break;
                }
                flow_count_stamped(&flows[events[i].data.fd]);
            }
        }
    }
}

// One way.

static struct flow receive_flow(int listener)
{
    struct reader reader = reader_of(accept_from(listener), read_size());
    struct flow flow = {0};
    for (size_t size = 0; size != END_SIZE;) {
        if (next_message(&reader, &size) == NULL) {
            die("the sender closed before its end marker");
        }
        if (size != END_SIZE) {
            flow_count(&flow);
        }
    }
    return flow;
}

static struct flow receive_pipes(int listener, int pipes)
{
    static struct flow flows[MAX_PIPES];
    static struct reader readers[MAX_PIPES];
    int poll = new_poll();
    for (int i = 0; i < pipes; i++) {
        readers[i] = reader_of(accept_from(listener), SHARED_READ_SIZE);
        poll_add(poll, readers[i].fd, i);
    }
    receive_flows(poll, readers, flows, pipes);
    struct flow sum = {0};
    for (int i = 0; i < pipes; i++) {
        flow_merge(&sum, &flows[i]);
    }
    return sum;
}

static void thr_recv(void)
{
    int pipes = pipes_arg();
    require_known_mode();
    allow_many_connections();
    int listener = listen_at(text_arg("url", NULL));
    say_ready();
    fail_if_stdin_ends();
    struct flow flow = pipes > 1 ? receive_pipes(listener, pipes) : receive_flow(listener);
    report_received(&flow, size_arg());
}

static void thr_send(void)
{
    require_known_mode();
    int fd = dial_to(text_arg("url", NULL));
    struct stint stint = send_flow(&fd, 1);
    close_after_flush(fd);
    report_sent(&stint, size_arg(), seconds_since(stint.start));
}

// pipes_send has a batch for each connection.
static void pipes_send(void)
{
    static int fds[MAX_PIPES];
    int pipes = pipes_arg();
    size_t size = size_arg();
    char *body = body_of(size);
    struct batch *batches = (struct batch *) body_of((size_t) pipes * sizeof *batches);
    require_known_mode();
    allow_many_connections();
    for (int i = 0; i < pipes; i++) {
        fds[i] = dial_to(text_arg("url", NULL));
        batches[i].fds = &fds[i];
        batches[i].n = 1;
        batches[i].single = mode_is("plain");
        batches[i].used = 0;
    }
    struct stint stint = stint_of(size);
    stint.pipes = pipes;
    while (stint_goes_on(&stint)) {
        batch_send(&batches[stint.turn], body, size);
    }
    for (int i = 0; i < pipes; i++) {
        batch_send(&batches[i], body, END_SIZE);
        batch_flush(&batches[i]);
    }
    for (int i = 0; i < pipes; i++) {
        close_after_flush(fds[i]);
    }
    report_sent(&stint, size, seconds_since(stint.start));
}

// Round trips.

__attribute__((noreturn)) static void echo_forever(int listener)
{
    for (;;) {
        struct reader reader = reader_of(accept_from(listener), READ_SIZE);
        size_t size;
        const char *body;
        while ((body = next_message(&reader, &size)) != NULL) {
            write_message(reader.fd, body, size);
        }
        close(reader.fd);
        free(reader.data);
    }
}

static void lat_rep(void)
{
    int listener = listen_at(text_arg("url", NULL));
    say_ready();
    serve_until_stdin_ends();
    echo_forever(listener);
}

static void *receive_forever(void *listener)
{
    receive_flow(*(int *) listener);
    return NULL;
}

// flood receives a flow and answers requests at the other address.
static void flood(void)
{
    announces_flow = 1;
    static int sink;
    sink = listen_at(text_arg("url", NULL));
    int listener = listen_at(text_arg("other", NULL));
    pthread_detach(start_thread(receive_forever, &sink));
    say_ready();
    serve_until_stdin_ends();
    echo_forever(listener);
}

struct requester {
    struct reader reader;
    char *body;
    size_t size;
};

static void request(void *with)
{
    struct requester *r = with;
    size_t got = 0;
    write_message(r->reader.fd, r->body, r->size);
    if (next_message(&r->reader, &got) == NULL || got != r->size) {
        die("a reply of %zu bytes instead of %zu", got, r->size);
    }
}

static void lat_req(void)
{
    size_t size = size_arg();
    struct requester r = {reader_of(dial_to(text_arg("url", NULL)), READ_SIZE), body_of(size), size};
    measure_rounds(request, &r);
}

// Fan-out.

static void fan_pub(void)
{
    require_known_mode();
    static int fds[MAX_SUBSCRIBERS];
    int subs = count_arg("subs", NULL, MAX_SUBSCRIBERS);
    int listener = listen_at(text_arg("url", NULL));
    say_ready();
    fail_if_stdin_ends();
    for (int i = 0; i < subs; i++) {
        fds[i] = accept_from(listener);
    }
    struct stint stint = send_flow(fds, subs);
    double seconds = seconds_since(stint.start);
    for (int i = 0; i < subs; i++) {
        close_after_flush(fds[i]);
    }
    report_sent(&stint, size_arg(), seconds);
}

static void fan_sub(void)
{
    static struct flow flows[MAX_SUBSCRIBERS];
    int subs = count_arg("subs", NULL, MAX_SUBSCRIBERS), poll = new_poll();
    struct reader *readers = dial_readers(poll, subs);
    receive_flows(poll, readers, flows, subs);
    report_fan(flows, subs, size_arg());
}

// Concurrent callers.

// echo_ready sends back what a connection has sent: many requests with one write if they came together.
static void echo_ready(int fd)
{
    static char data[READ_SIZE];
    ssize_t n = read(fd, data, sizeof data);
    if (n > 0) {
        write_all(fd, data, (size_t) n);
    } else {
        close(fd);
    }
}

static void callers_rep(void)
{
    int listener = listen_at(text_arg("url", NULL)), poll = new_poll();
    poll_add(poll, listener, listener);
    say_ready();
    serve_until_stdin_ends();
    struct epoll_event events[MOST_EVENTS];
    for (;;) {
        int n = poll_wait(poll, events);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener) {
                int fd = accept_from(listener);
                poll_add(poll, fd, fd);
            } else {
                echo_ready(events[i].data.fd);
            }
        }
    }
}

// callers_req keeps one request outstanding on each connection, or all of them on the only one.
static void callers_req(void)
{
    int callers = count_arg("callers", "64", MAX_CALLERS), poll = new_poll();
    int conns = shape_is("conns") ? callers : 1;
    size_t size = size_arg();
    if ((size_t) callers * (HEADER + size) > BATCH_SIZE) {
        die("%d requests of %zu bytes do not fit one batch: both ends would wait for each other", callers, size);
    }
    char *body = body_of(size);
    static struct batch batch;
    batch.n = 1;
    static uint64_t began[MAX_CALLERS]; // of the requests of a connection in turn: replies keep their order
    struct reader *readers = dial_readers(poll, conns);
    calls_begin();
    for (int i = 0; i < callers; i++) {
        began[i] = now_ns();
        batch.fds = &readers[i % conns].fd;
        batch_send(&batch, body, size);
        if (i >= callers - conns) {
            batch_flush(&batch);
        }
    }
    struct epoll_event events[MOST_EVENTS];
    for (int outstanding = callers, turn = 0; outstanding > 0;) {
        int n = poll_wait(poll, events);
        for (int i = 0; i < n; i++) {
            struct reader *r = &readers[events[i].data.fd];
            if (!fill(r)) {
                die("the server closed");
            }
            batch.fds = &r->fd;
            for (size_t got; next_buffered(r, &got) != NULL; turn = (turn + 1) % callers) {
                if (call_ended(&began[conns > 1 ? events[i].data.fd : turn])) {
                    batch_send(&batch, body, size);
                } else {
                    outstanding--;
                }
            }
            batch_flush(&batch);
        }
    }
    report_calls();
}

// Idle connections.

__attribute__((noreturn)) static void *accept_forever(void *listener)
{
    for (;;) {
        accept_from(*(int *) listener);
    }
}

static void idle(void)
{
    allow_many_connections();
    int listener = listen_at(text_arg("url", NULL));
    pthread_detach(start_thread(accept_forever, &listener));
    say_ready();
    answer_counts();
}

int main(int argc, char **argv)
{
    static const struct role roles[] = {
        {"thr-recv", thr_recv}, {"thr-send", thr_send}, {"lat-rep", lat_rep},         {"lat-req", lat_req},
        {"fan-pub", fan_pub},   {"fan-sub", fan_sub},   {"callers-rep", callers_rep}, {"callers-req", callers_req},
        {"idle", idle},         {"flood", flood},       {"pipes-send", pipes_send},   {NULL, NULL},
    };
    return run_role(argc, argv, roles);
}
