// SPDX-License-Identifier: MIT
//
// The worker that drives libnng. cc -O2 -pthread nng.c -lnng
//
// Modes: plain; tuned, with queues of 1,024 messages. Sending always hands a message over (own), as nng does best.
// Neither fills a new message's body: the worker gives the library the shortest way. idle listens as PULL.

#include "worker.h"

#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>

enum {
    TUNED_QUEUE = 1024,
    POLL_PAUSE_US = 1000,
};

static const char inproc_url[] = "inproc://bench";

static void check(const char *what, int rc)
{
    if (rc != 0) {
        die("%s: %s", what, nng_strerror(rc));
    }
}

// Sockets.

static atomic_int pipes; // of the sockets that count them

static void count_pipe(nng_pipe pipe, nng_pipe_ev event, void *unused)
{
    (void) pipe;
    (void) unused;
    atomic_fetch_add(&pipes, event == NNG_PIPE_EV_ADD_POST ? 1 : -1);
}

static void count_pipes(nng_socket socket)
{
    check("nng_pipe_notify", nng_pipe_notify(socket, NNG_PIPE_EV_ADD_POST, count_pipe, NULL));
    check("nng_pipe_notify", nng_pipe_notify(socket, NNG_PIPE_EV_REM_POST, count_pipe, NULL));
}

static void wait_for_pipes(int n)
{
    while (atomic_load(&pipes) != n) {
        usleep(POLL_PAUSE_US);
    }
}

// set_queue is for the protocols that have such a queue.
static void set_queue(nng_socket socket, const char *option)
{
    int rc = nng_socket_set_int(socket, option, TUNED_QUEUE);
    if (rc != NNG_ENOTSUP) {
        check(option, rc);
    }
}

static nng_socket open_socket(int (*open)(nng_socket *))
{
    nng_socket socket;
    check("open", open(&socket));
    check(NNG_OPT_RECVMAXSZ, nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, 0));
    if (mode_is("tuned")) {
        set_queue(socket, NNG_OPT_SENDBUF);
        set_queue(socket, NNG_OPT_RECVBUF);
    }
    return socket;
}

static nng_socket listen_at(int (*open)(nng_socket *), const char *url)
{
    nng_socket socket = open_socket(open);
    check(url, nng_listen(socket, url, NULL, 0));
    return socket;
}

static nng_socket dial_to(int (*open)(nng_socket *), const char *url)
{
    nng_socket socket = open_socket(open);
    check(url, nng_dial(socket, url, NULL, 0));
    return socket;
}

// Messages.

static nng_msg *new_message(size_t size)
{
    nng_msg *message;
    check("nng_msg_alloc", nng_msg_alloc(&message, size));
    return message;
}

static void send_message(nng_socket socket, nng_msg *message)
{
    check("nng_sendmsg", nng_sendmsg(socket, message, 0));
}

static nng_msg *receive_message(nng_socket socket)
{
    nng_msg *message;
    check("nng_recvmsg", nng_recvmsg(socket, &message, 0));
    return message;
}

// received_end takes a message and says whether it is the end marker.
static int received_end(nng_socket socket)
{
    nng_msg *message = receive_message(socket);
    size_t size = nng_msg_len(message);
    nng_msg_free(message);
    return size == END_SIZE;
}

// One way.

static void known_modes_only(void)
{
    if (!mode_is("plain") && !mode_is("tuned")) {
        not_applicable();
    }
}

// send_flow sends messages for secs over these sockets in turn.
static struct stint send_flow(const nng_socket *sockets, int n)
{
    size_t size = size_arg();
    struct stint stint = stint_of(size);
    stint.pipes = n;
    while (stint_goes_on(&stint)) {
        send_message(sockets[stint.turn], new_message(size));
    }
    return stint;
}

// receive_flow receives up to the last of as many end markers as there are senders.
static struct flow receive_flow(nng_socket socket)
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
    nng_socket socket = listen_at(nng_pull0_open, text_arg("url", NULL));
    say_ready();
    fail_if_stdin_ends();
    struct flow flow = receive_flow(socket);
    report_received(&flow, size_arg());
}

// thr_send waits for the receiver to leave, since closing drops what is queued.
static void thr_send(void)
{
    static nng_socket sockets[MAX_PIPES];
    int n = pipes_arg();
    const char *url = text_arg("url", NULL);
    known_modes_only();
    allow_many_connections();
    for (int i = 0; i < n; i++) {
        sockets[i] = open_socket(nng_push0_open);
        count_pipes(sockets[i]);
        check(url, nng_dial(sockets[i], url, NULL, 0));
    }
    wait_for_pipes(n);
    struct stint stint = send_flow(sockets, n);
    for (int i = 0; i < n; i++) {
        send_message(sockets[i], new_message(END_SIZE));
    }
    wait_for_pipes(0);
    report_sent(&stint, size_arg(), seconds_since(stint.start));
}

static void *inproc_sender(void *unused)
{
    (void) unused;
    nng_socket socket = dial_to(nng_push0_open, inproc_url);
    send_flow(&socket, 1);
    send_message(socket, new_message(END_SIZE));
    return NULL;
}

static void inproc_thr(void)
{
    if (!mode_is("own")) {
        known_modes_only();
    }
    nng_socket socket = listen_at(nng_pull0_open, inproc_url);
    pthread_detach(start_thread(inproc_sender, NULL));
    struct flow flow = receive_flow(socket);
    report_received(&flow, size_arg());
}

// Round trips.

__attribute__((noreturn)) static void *echo_forever(void *socket)
{
    for (;;) {
        send_message(*(nng_socket *) socket, receive_message(*(nng_socket *) socket));
    }
}

static void lat_rep(void)
{
    nng_socket socket = listen_at(nng_rep0_open, text_arg("url", NULL));
    say_ready();
    serve_until_stdin_ends();
    echo_forever(&socket);
}

static void *receive_forever(void *socket)
{
    receive_flow(*(nng_socket *) socket);
    return NULL;
}

// flood receives a flow and answers requests at the other address.
static void flood(void)
{
    announces_flow = 1;
    static nng_socket sink;
    sink = listen_at(nng_pull0_open, text_arg("url", NULL));
    pthread_detach(start_thread(receive_forever, &sink));
    nng_socket server = listen_at(nng_rep0_open, text_arg("other", NULL));
    say_ready();
    serve_until_stdin_ends();
    echo_forever(&server);
}

struct requester {
    nng_socket socket;
    nng_msg *message; // goes back and forth
};

static void request(void *with)
{
    struct requester *r = with;
    size_t size = nng_msg_len(r->message);
    send_message(r->socket, r->message);
    r->message = receive_message(r->socket);
    if (nng_msg_len(r->message) != size) {
        die("a reply of %zu bytes instead of %zu", nng_msg_len(r->message), size);
    }
}

__attribute__((noreturn)) static void measure_requests(const char *url)
{
    struct requester r = {dial_to(nng_req0_open, url), new_message(size_arg())};
    measure_rounds(request, &r);
}

static void lat_req(void)
{
    measure_requests(text_arg("url", NULL));
}

static void inproc_lat(void)
{
    static nng_socket server;
    server = listen_at(nng_rep0_open, inproc_url);
    pthread_detach(start_thread(echo_forever, &server));
    measure_requests(inproc_url);
}

// Fan-out.

static void fan_pub(void)
{
    known_modes_only();
    int subs = count_arg("subs", NULL, MAX_SUBSCRIBERS);
    nng_socket socket = open_socket(nng_pub0_open);
    const char *url = text_arg("url", NULL);
    count_pipes(socket);
    check(url, nng_listen(socket, url, NULL, 0));
    say_ready();
    fail_if_stdin_ends();
    wait_for_pipes(subs);
    struct stint stint = send_flow(&socket, 1);
    double seconds = seconds_since(stint.start);
    while (atomic_load(&pipes) > 0) {
        send_message(socket, new_message(END_SIZE));
        usleep(MARKER_PAUSE_US);
    }
    report_sent(&stint, size_arg(), seconds);
}

struct subscriber {
    nng_socket socket;
    struct flow flow;
};

// subscribe leaves its socket to the end of the process: many nng_close at once wait for each other for ever (1.5.2).
static void *subscribe(void *with)
{
    struct subscriber *s = with;
    while (!received_end(s->socket)) {
        flow_count_stamped(&s->flow);
    }
    return NULL;
}

static void fan_sub(void)
{
    static struct subscriber all[MAX_SUBSCRIBERS];
    static pthread_t threads[MAX_SUBSCRIBERS];
    static struct flow flows[MAX_SUBSCRIBERS];
    int subs = count_arg("subs", NULL, MAX_SUBSCRIBERS);
    const char *url = text_arg("url", NULL);
    for (int i = 0; i < subs; i++) {
        all[i].socket = open_socket(nng_sub0_open);
        check("subscribe", nng_socket_set(all[i].socket, NNG_OPT_SUB_SUBSCRIBE, "", 0));
        check(url, nng_dial(all[i].socket, url, NULL, 0));
        threads[i] = start_thread(subscribe, &all[i]);
    }
    for (int i = 0; i < subs; i++) {
        pthread_join(threads[i], NULL);
        flows[i] = all[i].flow;
    }
    report_fan(flows, subs, size_arg());
}

// Concurrent callers.

// An exchange is a context that sends and receives by turns: it calls, or it answers. No thread waits for it.
struct exchange {
    nng_ctx context;
    nng_aio *operation;
    int sending, calls;
    uint64_t began; // of a call
};

static atomic_int exchanges_going_on;

static void exchange_send(struct exchange *x, nng_msg *message)
{
    x->sending = 1;
    nng_aio_set_msg(x->operation, message);
    nng_ctx_send(x->context, x->operation);
}

static void exchange_receive(struct exchange *x)
{
    x->sending = 0;
    nng_ctx_recv(x->context, x->operation);
}

static void exchange_step(void *with)
{
    struct exchange *x = with;
    check(x->sending ? "nng_ctx_send" : "nng_ctx_recv", nng_aio_result(x->operation));
    if (x->sending) {
        exchange_receive(x);
        return;
    }
    if (!x->calls || call_ended(&x->began)) {
        exchange_send(x, nng_aio_get_msg(x->operation));
        return;
    }
    nng_msg_free(nng_aio_get_msg(x->operation));
    atomic_fetch_sub(&exchanges_going_on, 1);
}

static void exchange_init(struct exchange *x, nng_socket socket)
{
    check("nng_ctx_open", nng_ctx_open(&x->context, socket));
    check("nng_aio_alloc", nng_aio_alloc(&x->operation, exchange_step, x));
}

static void callers_rep(void)
{
    static struct exchange all[MAX_CALLERS];
    int callers = count_arg("callers", "64", MAX_CALLERS);
    nng_socket socket = listen_at(nng_rep0_open, text_arg("url", NULL));
    for (int i = 0; i < callers; i++) {
        exchange_init(&all[i], socket);
        exchange_receive(&all[i]);
    }
    say_ready();
    watch_stdin(NULL);
}

static void callers_req(void)
{
    static struct exchange all[MAX_CALLERS];
    int callers = count_arg("callers", "64", MAX_CALLERS), conns = shape_is("conns") ? callers : 1;
    nng_socket socket = NNG_SOCKET_INITIALIZER;
    for (int i = 0; i < callers; i++) {
        if (i < conns) {
            socket = dial_to(nng_req0_open, text_arg("url", NULL));
        }
        exchange_init(&all[i], socket);
    }
    calls_begin();
    atomic_store(&exchanges_going_on, callers);
    for (int i = 0; i < callers; i++) {
        all[i].calls = 1;
        all[i].began = now_ns();
        exchange_send(&all[i], new_message(size_arg()));
    }
    while (atomic_load(&exchanges_going_on) > 0) {
        usleep(POLL_PAUSE_US);
    }
    report_calls();
}

// Idle connections.

static void idle(void)
{
    allow_many_connections();
    listen_at(nng_pull0_open, text_arg("url", NULL));
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
