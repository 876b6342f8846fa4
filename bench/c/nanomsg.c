// SPDX-License-Identifier: MIT
//
// The worker that drives libnanomsg. cc -O2 -pthread nanomsg.c -lnanomsg
//
// Modes: copy; own, which hands over messages whose bodies it does not fill; plain, the faster of both for the size;
// tuned, plain with buffers of 4 MiB. idle listens as PULL.

#include "worker.h"

#include <nanomsg/nn.h>
#include <nanomsg/pipeline.h>
#include <nanomsg/pubsub.h>
#include <nanomsg/reqrep.h>

enum {
    TUNED_BUFFER = 4 << 20,
    HAND_OVER_SIZE = 512 << 10, // measured: at 1 MiB own is 1.35 times copy, at 64 KiB 0.83 times
    POLL_PAUSE_US = 1000,
};

static const char inproc_url[] = "inproc://bench";

static int check(const char *what, int rc)
{
    if (rc < 0) {
        die("%s: %s", what, nn_strerror(nn_errno()));
    }
    return rc;
}

// Sockets.

static void set_option(int socket, int option, int value)
{
    check("nn_setsockopt", nn_setsockopt(socket, NN_SOL_SOCKET, option, &value, sizeof value));
}

static int open_socket(int protocol)
{
    int socket = check("nn_socket", nn_socket(AF_SP, protocol));
    set_option(socket, NN_RCVMAXSIZE, -1);
    if (mode_is("tuned")) {
        set_option(socket, NN_SNDBUF, TUNED_BUFFER);
        set_option(socket, NN_RCVBUF, TUNED_BUFFER);
    }
    return socket;
}

static int listen_at(int protocol, const char *url)
{
    int socket = open_socket(protocol);
    check(url, nn_bind(socket, url));
    return socket;
}

static int dial_to(int protocol, const char *url)
{
    int socket = open_socket(protocol);
    check(url, nn_connect(socket, url));
    return socket;
}

static int connections(int socket)
{
    return (int) nn_get_statistic(socket, NN_STAT_CURRENT_CONNECTIONS);
}

static void wait_for_connections(int socket, int n)
{
    while (connections(socket) != n) {
        usleep(POLL_PAUSE_US);
    }
}

// One way.

static void send_copy(int socket, const char *body, size_t size)
{
    check("nn_send", nn_send(socket, body, size, 0));
}

static void send_new(int socket, const char *body, size_t size)
{
    (void) body;
    void *message = nn_allocmsg(size, 0);
    if (message == NULL) {
        die("nn_allocmsg: %s", nn_strerror(nn_errno()));
    }
    check("nn_send", nn_send(socket, &message, NN_MSG, 0));
}

// received_end takes a message and says whether it is the end marker.
static int received_end(int socket)
{
    void *message;
    int size = check("nn_recv", nn_recv(socket, &message, NN_MSG, 0));
    nn_freemsg(message);
    return size == END_SIZE;
}

static void known_modes_only(void)
{
    if (!mode_is("plain") && !mode_is("copy") && !mode_is("own") && !mode_is("tuned")) {
        not_applicable();
    }
}

// send_flow sends messages for secs over these sockets in turn.
static struct stint send_flow(const int *sockets, int n)
{
    size_t size = size_arg();
    char *body = body_of(size);
    int hand_over = mode_is("own") || (size >= HAND_OVER_SIZE && !mode_is("copy"));
    void (*send)(int, const char *, size_t) = hand_over ? send_new : send_copy;
    struct stint stint = stint_of(size);
    stint.pipes = n;
    while (stint_goes_on(&stint)) {
        send(sockets[stint.turn], body, size);
    }
    return stint;
}

static void send_end(int socket)
{
    send_copy(socket, "", END_SIZE);
}

// receive_flow receives up to the last of as many end markers as there are senders.
static struct flow receive_flow(int socket)
{
    struct flow flow = {0};
    for (int senders = pipes_arg(); senders > 0;) {
        if (received_end(socket)) {
            senders--;
        } else {
            flow_count(&flow);
        }
    }
    return flow;
}

static void thr_recv(void)
{
    known_modes_only();
    allow_many_connections();
    int socket = listen_at(NN_PULL, text_arg("url", NULL));
    say_ready();
    fail_if_stdin_ends();
    struct flow flow = receive_flow(socket);
    report_received(&flow, size_arg());
}

// thr_send waits for the receiver to leave, since closing drops what is queued.
static void thr_send(void)
{
    static int sockets[MAX_PIPES];
    int n = pipes_arg();
    known_modes_only();
    allow_many_connections();
    for (int i = 0; i < n; i++) {
        sockets[i] = dial_to(NN_PUSH, text_arg("url", NULL));
        wait_for_connections(sockets[i], 1);
    }
    struct stint stint = send_flow(sockets, n);
    for (int i = 0; i < n; i++) {
        send_end(sockets[i]);
    }
    wait_for_connections(sockets[0], 0);
    report_sent(&stint, size_arg(), seconds_since(stint.start));
}

static void *inproc_sender(void *unused)
{
    (void) unused;
    int socket = dial_to(NN_PUSH, inproc_url);
    send_flow(&socket, 1);
    send_end(socket);
    return NULL;
}

static void inproc_thr(void)
{
    known_modes_only();
    int socket = listen_at(NN_PULL, inproc_url);
    pthread_detach(start_thread(inproc_sender, NULL));
    struct flow flow = receive_flow(socket);
    report_received(&flow, size_arg());
}

// Round trips.

__attribute__((noreturn)) static void *echo_forever(void *with)
{
    int socket = *(int *) with;
    for (;;) {
        void *message;
        check("nn_recv", nn_recv(socket, &message, NN_MSG, 0));
        check("nn_send", nn_send(socket, &message, NN_MSG, 0));
    }
}

__attribute__((noreturn)) static void serve_echo(void)
{
    int socket = listen_at(NN_REP, text_arg("url", NULL));
    say_ready();
    serve_until_stdin_ends();
    echo_forever(&socket);
}

static void lat_rep(void)
{
    serve_echo();
}

static void *receive_forever(void *socket)
{
    receive_flow(*(int *) socket);
    return NULL;
}

// flood receives a flow and answers requests at the other address.
static void flood(void)
{
    announces_flow = 1;
    static int sink;
    sink = listen_at(NN_PULL, text_arg("url", NULL));
    pthread_detach(start_thread(receive_forever, &sink));
    int server = listen_at(NN_REP, text_arg("other", NULL));
    say_ready();
    serve_until_stdin_ends();
    echo_forever(&server);
}

struct requester {
    int socket;
    char *body;
    size_t size;
};

static struct requester requester_to(const char *url)
{
    size_t size = size_arg();
    return (struct requester){.socket = dial_to(NN_REQ, url), .body = body_of(size), .size = size};
}

static void request(void *with)
{
    struct requester *r = with;
    send_copy(r->socket, r->body, r->size);
    int got = check("nn_recv", nn_recv(r->socket, r->body, r->size, 0));
    if ((size_t) got != r->size) {
        die("a reply of %d bytes instead of %zu", got, r->size);
    }
}

static void lat_req(void)
{
    struct requester r = requester_to(text_arg("url", NULL));
    measure_rounds(request, &r);
}

static void inproc_lat(void)
{
    static int server;
    server = listen_at(NN_REP, inproc_url);
    pthread_detach(start_thread(echo_forever, &server));
    struct requester r = requester_to(inproc_url);
    measure_rounds(request, &r);
}

// Fan-out.

static void fan_pub(void)
{
    known_modes_only();
    int subs = count_arg("subs", NULL, MAX_SUBSCRIBERS);
    int socket = listen_at(NN_PUB, text_arg("url", NULL));
    say_ready();
    fail_if_stdin_ends();
    wait_for_connections(socket, subs);
    struct stint stint = send_flow(&socket, 1);
    double seconds = seconds_since(stint.start);
    while (connections(socket) > 0) {
        send_end(socket);
        usleep(MARKER_PAUSE_US);
    }
    report_sent(&stint, size_arg(), seconds);
}

struct subscriber {
    int socket;
    struct flow flow;
};

static void *subscribe(void *with)
{
    struct subscriber *s = with;
    while (!received_end(s->socket)) {
        flow_count_stamped(&s->flow);
    }
    return NULL;
}

// fan_sub leaves its connections open until all subscribers have got an end marker: then the publisher sees them go.
static void fan_sub(void)
{
    static struct subscriber all[MAX_SUBSCRIBERS];
    static pthread_t threads[MAX_SUBSCRIBERS];
    static struct flow flows[MAX_SUBSCRIBERS];
    int subs = count_arg("subs", NULL, MAX_SUBSCRIBERS);
    for (int i = 0; i < subs; i++) {
        all[i].socket = open_socket(NN_SUB);
        check("subscribe", nn_setsockopt(all[i].socket, NN_SUB, NN_SUB_SUBSCRIBE, "", 0));
        check("nn_connect", nn_connect(all[i].socket, text_arg("url", NULL)));
        threads[i] = start_thread(subscribe, &all[i]);
    }
    for (int i = 0; i < subs; i++) {
        pthread_join(threads[i], NULL);
        flows[i] = all[i].flow;
    }
    report_fan(flows, subs, size_arg());
}

// Concurrent callers.

static void callers_rep(void)
{
    serve_echo();
}

static void *call_until_end(void *requester)
{
    uint64_t began = now_ns();
    do {
        request(requester);
    } while (call_ended(&began));
    return NULL;
}

// callers_req has one REQ socket and one thread a caller. A socket has one request outstanding, so there is no other
// shape.
static void callers_req(void)
{
    static struct requester all[MAX_CALLERS];
    static pthread_t threads[MAX_CALLERS];
    if (!shape_is("conns")) {
        not_applicable();
    }
    int callers = count_arg("callers", "64", MAX_CALLERS);
    for (int i = 0; i < callers; i++) {
        all[i] = requester_to(text_arg("url", NULL));
        request(&all[i]); // so that the connection is there before time is taken
    }
    calls_begin();
    for (int i = 0; i < callers; i++) {
        threads[i] = start_thread(call_until_end, &all[i]);
    }
    for (int i = 0; i < callers; i++) {
        pthread_join(threads[i], NULL);
    }
    report_calls();
}

// Idle connections.

static void idle(void)
{
    allow_many_connections();
    listen_at(NN_PULL, text_arg("url", NULL));
    say_ready();
    answer_counts();
}

int main(int argc, char **argv)
{
    static const struct role roles[] = {
        {"thr-recv", thr_recv},       {"thr-send", thr_send},       {"lat-rep", lat_rep},
        {"lat-req", lat_req},         {"inproc-thr", inproc_thr},   {"inproc-lat", inproc_lat},
        {"fan-pub", fan_pub},         {"fan-sub", fan_sub},         {"callers-rep", callers_rep},
        {"callers-req", callers_req}, {"idle", idle},               {"flood", flood},
        {"pipes-send", thr_send},     {NULL, NULL},
    };
    return run_role(argc, argv, roles);
}
