// SPDX-License-Identifier: MIT
//
// The worker that drives libzmq. cc -O2 -pthread zmq.c -lzmq
//
// Modes: plain; tuned, with higher high-water marks; own (inproc-thr), which hands messages over; nodrop
// (fan-pub), whose publisher waits for slow subscribers; curve (thr), encrypted. idle listens as PULL.

#include "worker.h"

#include <zmq.h>

enum {
    DEFAULT_HWM = 1000,
    TUNED_HWM = 100000,
    TUNED_BYTES = 64 << 20,    // a queue of large messages is bounded by this instead, to end soon after the sender
    ZERO_COPY_SIZE = 32 << 10, // from here on handing a body over is faster than the copy of zmq_send
};

static const char inproc_url[] = "inproc://bench";

static void *context;

static int check(const char *what, int rc)
{
    if (rc < 0) {
        die("%s: %s", what, zmq_strerror(zmq_errno()));
    }
    return rc;
}

static void set_option(void *socket, int option, int value)
{
    check("zmq_setsockopt", zmq_setsockopt(socket, option, &value, sizeof value));
}

static int tuned_hwm(void)
{
    size_t fitting = TUNED_BYTES / size_arg();
    return fitting > TUNED_HWM ? TUNED_HWM : fitting < DEFAULT_HWM ? DEFAULT_HWM : (int) fitting;
}

static void *open_socket(int type)
{
    if (context == NULL) {
        context = zmq_ctx_new();
    }
    void *socket = zmq_socket(context, type);
    if (socket == NULL) {
        die("zmq_socket: %s", zmq_strerror(zmq_errno()));
    }
    if (mode_is("tuned")) {
        set_option(socket, ZMQ_SNDHWM, tuned_hwm());
        set_option(socket, ZMQ_RCVHWM, tuned_hwm());
    }
    return socket;
}

enum { KEY_TEXT = 41 };

static const char server_secret[KEY_TEXT] = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";
static const char client_secret[KEY_TEXT] = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

static void set_key(void *socket, int option, const char *key)
{
    check("zmq_setsockopt", zmq_setsockopt(socket, option, key, KEY_TEXT));
}

static void set_public_key(void *socket, int option, const char *secret)
{
    char key[KEY_TEXT];
    check("zmq_curve_public", zmq_curve_public(key, secret));
    set_key(socket, option, key);
}

static void secure_listener(void *socket)
{
    set_option(socket, ZMQ_CURVE_SERVER, 1);
    set_key(socket, ZMQ_CURVE_SECRETKEY, server_secret);
}

static void secure_dialer(void *socket)
{
    set_public_key(socket, ZMQ_CURVE_SERVERKEY, server_secret);
    set_public_key(socket, ZMQ_CURVE_PUBLICKEY, client_secret);
    set_key(socket, ZMQ_CURVE_SECRETKEY, client_secret);
}

static void *listen_at(int type, const char *url)
{
    void *socket = open_socket(type);
    if (mode_is("curve")) {
        secure_listener(socket);
    }
    check(url, zmq_bind(socket, url));
    return socket;
}

static void *dial_to(int type, const char *url)
{
    void *socket = open_socket(type);
    if (mode_is("curve") && type != ZMQ_PAIR) { // else it is the monitor, within the process
        secure_dialer(socket);
    }
    check(url, zmq_connect(socket, url));
    return socket;
}

// One way.

static void keep(void *body, void *hint)
{
    (void) body;
    (void) hint;
}

static void send_body(void *socket, char *body, size_t size)
{
    if (size < ZERO_COPY_SIZE) {
        check("zmq_send", zmq_send(socket, body, size, 0));
        return;
    }
    zmq_msg_t message;
    check("zmq_msg_init_data", zmq_msg_init_data(&message, body, size, keep, NULL));
    check("zmq_msg_send", zmq_msg_send(&message, socket, 0));
}

// send_new sends a message that owns its body.
static void send_new(void *socket, char *body, size_t size)
{
    (void) body;
    zmq_msg_t message;
    check("zmq_msg_init_size", zmq_msg_init_size(&message, size));
    check("zmq_msg_send", zmq_msg_send(&message, socket, 0));
}

// send_flow sends messages for secs over these sockets in turn, and then an end marker over each.
static struct stint send_flow(void **sockets, int n, void (*send)(void *, char *, size_t))
{
    size_t size = size_arg();
    char *body = body_of(size);
    struct stint stint = stint_of(size);
    stint.pipes = n;
    while (stint_goes_on(&stint)) {
        send(sockets[stint.turn], body, size);
    }
    for (int i = 0; i < n; i++) {
        check("zmq_send", zmq_send(sockets[i], body, END_SIZE, 0));
    }
    return stint;
}

// receive_flow receives up to the last of as many end markers as there are senders.
static struct flow receive_flow(void *socket)
{
    struct flow flow = {0};
    zmq_msg_t message;
    zmq_msg_init(&message);
    for (int senders = pipes_arg(); senders > 0;) {
        if (check("zmq_msg_recv", zmq_msg_recv(&message, socket, 0)) == END_SIZE) {
            senders--;
        } else {
            flow_count(&flow);
        }
    }
    return flow;
}

static void one_way_modes_only(void)
{
    if (!mode_is("plain") && !mode_is("tuned") && !mode_is("curve")) {
        not_applicable();
    }
}

static void thr_recv(void)
{
    one_way_modes_only();
    allow_many_connections();
    void *socket = listen_at(ZMQ_PULL, text_arg("url", NULL));
    say_ready();
    fail_if_stdin_ends();
    struct flow flow = receive_flow(socket);
    report_received(&flow, size_arg());
}

// watch_disconnects returns a socket that gets an event when the other one loses its peer.
static void *watch_disconnects(void *socket)
{
    static const char monitor_url[] = "inproc://monitor";
    check("zmq_socket_monitor", zmq_socket_monitor(socket, monitor_url, ZMQ_EVENT_DISCONNECTED));
    return dial_to(ZMQ_PAIR, monitor_url);
}

// thr_send waits for the receiver to leave. Lingering is not enough on ipc: a receiver with a full queue takes the
// end of the connection for an error and gives up what it has not read yet.
static void thr_send(void)
{
    static void *sockets[MAX_PIPES];
    int pipes = pipes_arg();
    one_way_modes_only();
    allow_many_connections();
    for (int i = 0; i < pipes; i++) {
        sockets[i] = dial_to(ZMQ_PUSH, text_arg("url", NULL));
    }
    void *disconnects = watch_disconnects(sockets[0]);
    struct stint stint = send_flow(sockets, pipes, send_body);
    char event[64];
    check("zmq_recv", zmq_recv(disconnects, event, sizeof event, 0));
    report_sent(&stint, size_arg(), seconds_since(stint.start));
}

static void *inproc_sender(void *unused)
{
    (void) unused;
    void *socket = dial_to(ZMQ_PUSH, inproc_url);
    send_flow(&socket, 1, mode_is("own") ? send_new : send_body);
    zmq_close(socket);
    return NULL;
}

static void inproc_thr(void)
{
    if (!mode_is("copy") && !mode_is("own")) {
        one_way_modes_only();
    }
    void *socket = listen_at(ZMQ_PULL, inproc_url);
    pthread_detach(start_thread(inproc_sender, NULL));
    struct flow flow = receive_flow(socket);
    report_received(&flow, size_arg());
}

// Round trips.

// echo_one sends a message back with all its parts, and so with its envelope.
static void echo_one(void *socket)
{
    zmq_msg_t part;
    zmq_msg_init(&part);
    int more;
    do {
        check("zmq_msg_recv", zmq_msg_recv(&part, socket, 0));
        more = zmq_msg_more(&part);
        check("zmq_msg_send", zmq_msg_send(&part, socket, more ? ZMQ_SNDMORE : 0));
    } while (more);
}

__attribute__((noreturn)) static void *echo_forever(void *socket)
{
    for (;;) {
        echo_one(socket);
    }
}

static void serve_echo(int type)
{
    void *socket = listen_at(type, text_arg("url", NULL));
    say_ready();
    serve_until_stdin_ends();
    echo_forever(socket);
}

static void lat_rep(void)
{
    serve_echo(ZMQ_REP);
}

static void *receive_forever(void *socket)
{
    receive_flow(socket);
    return NULL;
}

// flood receives a flow and answers requests at the other address.
static void flood(void)
{
    announces_flow = 1;
    pthread_detach(start_thread(receive_forever, listen_at(ZMQ_PULL, text_arg("url", NULL))));
    void *server = listen_at(ZMQ_REP, text_arg("other", NULL));
    say_ready();
    serve_until_stdin_ends();
    echo_forever(server);
}

struct requester {
    void *socket;
    char *body;
    size_t size;
};

static struct requester requester_to(const char *url)
{
    size_t size = size_arg();
    return (struct requester){.socket = dial_to(ZMQ_REQ, url), .body = body_of(size), .size = size};
}

static void request(void *with)
{
    struct requester *r = with;
    check("zmq_send", zmq_send(r->socket, r->body, r->size, 0));
    int got = check("zmq_recv", zmq_recv(r->socket, r->body, r->size, 0));
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
    pthread_detach(start_thread(echo_forever, listen_at(ZMQ_REP, inproc_url)));
    struct requester r = requester_to(inproc_url);
    measure_rounds(request, &r);
}

// Fan-out.

// follow_subscriptions counts those who joined, up to subs, or whoever is still there: as an XPUB socket is told.
static void follow_subscriptions(void *socket, int *joined, int flags)
{
    char event[64];
    while (zmq_recv(socket, event, sizeof event, flags) >= 1) {
        *joined += event[0] == 1 ? 1 : -1;
        if (flags == 0) {
            return;
        }
    }
    if (zmq_errno() != EAGAIN) {
        die("zmq_recv: %s", zmq_strerror(zmq_errno()));
    }
}

static void fan_pub(void)
{
    if (!mode_is("nodrop")) {
        one_way_modes_only();
    }
    int subs = count_arg("subs", NULL, MAX_SUBSCRIBERS);
    size_t size = size_arg();
    char *body = body_of(size);
    void *socket = open_socket(ZMQ_XPUB);
    set_option(socket, ZMQ_XPUB_VERBOSER, 1); // tell of every subscription, not only of the first to a topic
    set_option(socket, ZMQ_XPUB_NODROP, mode_is("nodrop"));
    check("zmq_bind", zmq_bind(socket, text_arg("url", NULL)));
    say_ready();
    fail_if_stdin_ends();
    int joined = 0;
    while (joined < subs) {
        follow_subscriptions(socket, &joined, 0);
    }
    struct stint stint = stint_of(size);
    while (stint_goes_on(&stint)) {
        send_body(socket, body, size);
    }
    double seconds = seconds_since(stint.start);
    while (joined > 0) {
        check("zmq_send", zmq_send(socket, body, END_SIZE, 0));
        usleep(MARKER_PAUSE_US);
        follow_subscriptions(socket, &joined, ZMQ_DONTWAIT);
    }
    report_sent(&stint, size, seconds);
}

struct subscriber {
    void *socket;
    struct flow flow;
};

static void *subscribe(void *with)
{
    struct subscriber *s = with;
    zmq_msg_t message;
    zmq_msg_init(&message);
    while (check("zmq_msg_recv", zmq_msg_recv(&message, s->socket, 0)) != END_SIZE) {
        flow_count_stamped(&s->flow);
    }
    zmq_close(s->socket);
    return NULL;
}

static void fan_sub(void)
{
    int subs = count_arg("subs", NULL, MAX_SUBSCRIBERS);
    static struct subscriber all[MAX_SUBSCRIBERS];
    static pthread_t threads[MAX_SUBSCRIBERS];
    static struct flow flows[MAX_SUBSCRIBERS];
    for (int i = 0; i < subs; i++) {
        all[i].socket = dial_to(ZMQ_SUB, text_arg("url", NULL));
        check("subscribe", zmq_setsockopt(all[i].socket, ZMQ_SUBSCRIBE, "", 0));
        threads[i] = start_thread(subscribe, &all[i]);
    }
    for (int i = 0; i < subs; i++) {
        pthread_join(threads[i], NULL);
        flows[i] = all[i].flow;
    }
    zmq_ctx_term(context); // the publisher waits for the subscriptions to end
    report_fan(flows, subs, size_arg());
}

// Concurrent callers.

static void callers_rep(void)
{
    serve_echo(shape_is("conns") ? ZMQ_REP : ZMQ_ROUTER);
}

static void *call_until_end(void *requester)
{
    uint64_t began = now_ns();
    do {
        request(requester);
    } while (call_ended(&began));
    return NULL;
}

// call_on_connections has one REQ socket and one thread a caller.
static void call_on_connections(int callers)
{
    static struct requester all[MAX_CALLERS];
    static pthread_t threads[MAX_CALLERS];
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

// call_pipelined has one DEALER keep that many requests outstanding. libzmq has no state per request on one socket,
// so this is more than its callers could get: an upper bound.
static void call_pipelined(int callers)
{
    static uint64_t began[MAX_CALLERS]; // replies keep the order of requests
    size_t size = size_arg();
    char *body = body_of(size);
    void *socket = dial_to(ZMQ_DEALER, text_arg("url", NULL));
    calls_begin();
    for (int i = 0; i < callers; i++) {
        began[i] = now_ns();
        check("zmq_send", zmq_send(socket, body, size, 0));
    }
    for (int turn = 0;; turn = (turn + 1) % callers) {
        check("zmq_recv", zmq_recv(socket, body, size, 0));
        if (!call_ended(&began[turn])) {
            report_calls();
        }
        check("zmq_send", zmq_send(socket, body, size, 0));
    }
}

static void callers_req(void)
{
    int callers = count_arg("callers", "64", MAX_CALLERS);
    if (shape_is("conns")) {
        call_on_connections(callers);
    } else {
        call_pipelined(callers);
    }
}

// Idle connections.

static void idle(void)
{
    allow_many_connections();
    void *socket = open_socket(ZMQ_PULL);
    set_option(socket, ZMQ_BACKLOG, 4096); // its default of 100 would make the client wait, not the server
    check("zmq_bind", zmq_bind(socket, text_arg("url", NULL)));
    say_ready();
    answer_counts();
}

#include "zmq_scale.h"

int main(int argc, char **argv)
{
    static const struct role roles[] = {
        {"thr-recv", thr_recv},       {"thr-send", thr_send},       {"lat-rep", lat_rep},
        {"lat-req", lat_req},         {"inproc-thr", inproc_thr},   {"inproc-lat", inproc_lat},
        {"fan-pub", fan_pub},         {"fan-sub", fan_sub},         {"callers-rep", callers_rep},
        {"callers-req", callers_req}, {"idle", idle},               {"flood", flood},
        {"pipes-send", thr_send},     {"unwanted", unwanted},       {"spread", spread},
        {"many-pipes", many_pipes},   {NULL, NULL},
    };
    return run_role(argc, argv, roles);
}
