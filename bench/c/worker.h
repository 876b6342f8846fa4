// SPDX-License-Identifier: MIT
//
// What every worker of the benchmark needs whichever library it drives: its arguments, clocks, what it says to the
// runner, and the end of a server with its standard input. A worker is one program per library, run as
//
//   WORKER ROLE key=value ...
//
// It prints one line of JSON at its end and leaves with 0; with 1 and a line on standard error after a failure; with
// 3 where its library has nothing of the kind that is asked for.

#ifndef WORKER_H
#define WORKER_H

#define _GNU_SOURCE

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    END_SIZE = 1,            // a message of this size ends a flow; no measured message has it
    MARKER_PAUSE_US = 10000, // between two end markers of a publisher, whose first ones may be dropped
    MAX_CALLERS = 1024,
    MAX_SUBSCRIBERS = 1024,
    MAX_PIPES = 4096,
    MAX_SAMPLES = 4000000,
};

// die and check tell why the worker failed.
__attribute__((noreturn, format(printf, 1, 2))) static inline void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    _exit(1);
}

// not_applicable is for a role or a mode that the library does not have.
__attribute__((noreturn)) static inline void not_applicable(void)
{
    _exit(3);
}

// Arguments.

static int worker_argc;
static char **worker_argv;

// text_arg returns the value of key=value, or what else if it was not given; a key without either is an error.
static inline const char *text_arg(const char *key, const char *otherwise)
{
    size_t length = strlen(key);
    for (int i = 2; i < worker_argc; i++) {
        if (strncmp(worker_argv[i], key, length) == 0 && worker_argv[i][length] == '=') {
            return worker_argv[i] + length + 1;
        }
    }
    if (otherwise == NULL) {
        die("%s: %s= is missing", worker_argv[1], key);
    }
    return otherwise;
}

static inline double number_arg(const char *key, const char *otherwise)
{
    const char *text = text_arg(key, otherwise);
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= 0)) {
        die("%s: %s=%s is no number", worker_argv[1], key, text);
    }
    return value;
}

// count_arg is a whole number from 1 to most.
static inline int count_arg(const char *key, const char *otherwise, int most)
{
    double value = number_arg(key, otherwise);
    if (value < 1 || value > most) {
        die("%s: %s=%g is not within 1 and %d", worker_argv[1], key, value, most);
    }
    return (int) value;
}

// size_arg is the size of a message's body.
static inline size_t size_arg(void)
{
    size_t size = (size_t) count_arg("size", NULL, 64 << 20);
    if (size == END_SIZE) {
        die("size=%d is that of the end marker", END_SIZE);
    }
    return size;
}

static inline int mode_is(const char *mode)
{
    return strcmp(text_arg("mode", "plain"), mode) == 0;
}

static inline int shape_is(const char *shape)
{
    return strcmp(text_arg("shape", "mux"), shape) == 0;
}

// body_of returns a body of that size to send again and again. It is written to, so that it is real memory.
static inline char *body_of(size_t size)
{
    char *body = malloc(size);
    if (body == NULL) {
        die("no memory for %zu bytes", size);
    }
    memset(body, 'x', size);
    return body;
}

// pipes_arg is the number of connections of a flow.
static inline int pipes_arg(void)
{
    return count_arg("pipes", "1", MAX_PIPES);
}

// Clocks.

static inline uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t) t.tv_sec * 1000000000u + (uint64_t) t.tv_nsec;
}

static inline double seconds_since(uint64_t start)
{
    return (double) (now_ns() - start) / 1e9;
}

// warm_ns is the time of the warm-up, whose work is not counted.
static inline uint64_t warm_ns(void)
{
    return (uint64_t) (number_arg("warm", "0") * 1e9);
}

static inline uint64_t secs_ns(void)
{
    return (uint64_t) (number_arg("secs", NULL) * 1e9);
}

// What the process used up to the end of its warm-up.
static struct rusage used_before;

static inline double cpu_seconds(const struct rusage *used)
{
    return (double) (used->ru_utime.tv_sec + used->ru_stime.tv_sec)
        + (double) (used->ru_utime.tv_usec + used->ru_stime.tv_usec) / 1e6;
}

static inline void mark_usage(void)
{
    getrusage(RUSAGE_SELF, &used_before);
}

// mark_usage_once is for many threads, of which the first that ends its warm-up marks it for all. It says whether this was it.
static inline int mark_usage_once(void)
{
    static atomic_flag marked = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&marked)) {
        return 0;
    }
    mark_usage();
    return 1;
}

// A stint is a time to send for. Its clock is looked at rarely when messages are small: reading it costs as much as
// a small message does. A flow over many connections goes to the next of them at each look.
struct stint {
    uint64_t warm, start, end, sent, before; // start follows the warm-up, in which before of the messages were sent
    unsigned every;
    int pipes, turn; // turn is the connection to send to, below pipes
};

// looks_every is how many messages of a size come between two looks at the clock.
static inline unsigned looks_every(size_t size)
{
    return size < 4 << 10 ? 64 : size < 256 << 10 ? 8 : 1;
}

static inline struct stint stint_of(size_t size)
{
    uint64_t warm = now_ns() + warm_ns();
    return (struct stint){.warm = warm, .end = warm + secs_ns(), .every = looks_every(size), .pipes = 1};
}

// stint_look says whether the time goes on.
static inline int stint_look(struct stint *s)
{
    uint64_t now = now_ns();
    if (s->start == 0 && now >= s->warm) {
        mark_usage();
        s->start = now;
        s->before = s->sent;
    }
    return s->sent == 0 || now < s->end;
}

// stint_goes_on counts a message and says whether to send it: the first one in any case.
static inline int stint_goes_on(struct stint *s)
{
    if (s->sent % s->every == 0) {
        if (!stint_look(s)) {
            return 0;
        }
        s->turn = s->turn + 1 < s->pipes ? s->turn + 1 : 0;
    }
    s->sent++;
    return 1;
}

// Flows: what a receiver counts.

// A flow reaches from the end of its warm-up, which begins with the first message, to its last one, or to its end marker where
// nothing can get lost.
struct flow {
    uint64_t count, first, last, before; // before is how many came in the warm-up
    int warm;                            // the warm-up has ended
};

static int announces_flow; // for a server whose other work is to be measured beside its flow

// flow_warm counts the messages of the warm-up.
__attribute__((noinline)) static void flow_warm(struct flow *f)
{
    static atomic_uint every;
    if (f->first == 0) {
        atomic_store(&every, looks_every(size_arg()));
        f->first = now_ns();
        if (announces_flow) {
            puts("flowing");
            fflush(stdout);
        }
    }
    if (f->count != 1 && f->count % atomic_load(&every) != 0) {
        return;
    }
    uint64_t now = now_ns();
    if (now >= f->first + warm_ns()) {
        mark_usage_once();
        *f = (struct flow){.first = now, .before = f->count, .warm = 1};
    }
}

// flow_count counts a message.
static inline void flow_count(struct flow *f)
{
    f->count++;
    if (!f->warm) {
        flow_warm(f);
    }
}

// flow_count_stamped also notes when it came, of every eighth message: a clock for each would slow fast receivers.
static inline void flow_count_stamped(struct flow *f)
{
    flow_count(f);
    if (f->count % 8 == 0) {
        f->last = now_ns();
    }
}

// flow_merge makes one flow of two.
static inline void flow_merge(struct flow *sum, const struct flow *f)
{
    sum->before += f->before;
    if (f->count == 0 || !f->warm) {
        return;
    }
    if (sum->count == 0 || f->first < sum->first) {
        sum->first = f->first;
    }
    sum->warm = 1;
    if (f->last > sum->last) {
        sum->last = f->last;
    }
    sum->count += f->count;
}

// Results.

struct result {
    uint64_t messages, total, bytes; // total has those of the warm-up
    double seconds;
    uint64_t *latencies; // ns; sorted when reported
    size_t samples;
    char note[96];
};

static inline int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;
    return (x > y) - (x < y);
}

// percentile_us returns the smallest sample that at least that part of the sorted samples does not exceed.
static inline double percentile_us(const uint64_t *sorted, size_t samples, double part)
{
    size_t rank = (size_t) (part * (double) samples + 0.999999);
    return (double) sorted[rank == 0 ? 0 : rank - 1] / 1e3;
}

// report prints the result, the last thing that a worker does. Of two threads that report, as when standard input
// ends just then, only the first is heard.
__attribute__((noreturn)) static inline void report(struct result *r)
{
    static atomic_flag reported = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&reported)) {
        for (;;) {
            pause();
        }
    }
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("{\"cpu\":%.6f,\"voluntary\":%ld,\"involuntary\":%ld", cpu_seconds(&used) - cpu_seconds(&used_before),
           used.ru_nvcsw - used_before.ru_nvcsw, used.ru_nivcsw - used_before.ru_nivcsw);
    if (r->messages > 0) {
        printf(",\"messages\":%llu,\"total\":%llu,\"bytes\":%llu,\"seconds\":%.9f", (unsigned long long) r->messages,
               (unsigned long long) r->total, (unsigned long long) r->bytes, r->seconds);
    }
    if (r->samples > 0) {
        qsort(r->latencies, r->samples, sizeof *r->latencies, compare_u64);
        printf(",\"p50_us\":%.3f,\"p99_us\":%.3f,\"p999_us\":%.3f",
               percentile_us(r->latencies, r->samples, 0.50),
               percentile_us(r->latencies, r->samples, 0.99),
               percentile_us(r->latencies, r->samples, 0.999));
    }
    if (r->note[0] != '\0') {
        printf(",\"note\":\"%s\"", r->note);
    }
    puts("}");
    fflush(stdout);
    _exit(0);
}

// report_sent is the end of a sender.
__attribute__((noreturn)) static inline void report_sent(const struct stint *s, size_t size, double seconds)
{
    uint64_t sent = s->sent - s->before;
    report(&(struct result){.messages = sent, .total = s->sent, .bytes = sent * size, .seconds = seconds});
}

// require_warm is for what a receiver is to report.
static inline void require_warm(const struct flow *f)
{
    if (!f->warm) {
        die("the flow ended before its warm-up: send for longer");
    }
}

// report_received is the end of a receiver: at its end marker.
__attribute__((noreturn)) static inline void report_received(const struct flow *f, size_t size)
{
    require_warm(f);
    report(&(struct result){.messages = f->count, .total = f->count + f->before, .bytes = f->count * size,
                            .seconds = seconds_since(f->first)});
}

// report_fan is the end of some subscribers: their deliveries from the first of all to the last of all.
__attribute__((noreturn)) static inline void report_fan(const struct flow *flows, int n, size_t size)
{
    struct flow sum = {0};
    uint64_t least = UINT64_MAX, most = 0;
    for (int i = 0; i < n; i++) {
        uint64_t total = flows[i].count + flows[i].before;
        flow_merge(&sum, &flows[i]);
        least = total < least ? total : least;
        most = total > most ? total : most;
    }
    require_warm(&sum);
    struct result r = {.messages = sum.count, .total = sum.count + sum.before, .bytes = sum.count * size,
                       .seconds = (double) (sum.last - sum.first) / 1e9};
    snprintf(r.note, sizeof r.note, "each subscriber got %llu to %llu", (unsigned long long) least,
             (unsigned long long) most);
    report(&r);
}

#include "worker_rounds.h"

// What passes between runner and worker.

static inline void say_ready(void)
{
    puts("ready");
    fflush(stdout);
}

static inline void *watch_stdin(void *why)
{
    char discarded[256];
    ssize_t got;
    do {
        got = read(STDIN_FILENO, discarded, sizeof discarded);
        if (got > 0 && discarded[0] == 'w') { // the requester is warm
            mark_usage();
        }
    } while (got > 0 || (got < 0 && errno == EINTR));
    if (why != NULL) {
        die("%s", (const char *) why);
    }
    report(&(struct result){0});
}

static inline pthread_t start_thread(void *(*run)(void *), void *with)
{
    pthread_t thread;
    int rc = pthread_create(&thread, NULL, run, with);
    if (rc != 0) {
        die("start a thread: %s", strerror(rc));
    }
    return thread;
}

// serve_until_stdin_ends makes the end of standard input that of the process, as a server has no other.
static inline void serve_until_stdin_ends(void)
{
    pthread_detach(start_thread(watch_stdin, NULL));
}

// fail_if_stdin_ends is for a server that ends by itself: before that, the end of standard input is a failure.
static inline void fail_if_stdin_ends(void)
{
    pthread_detach(start_thread(watch_stdin, "standard input ended before the end marker came"));
}

// answer_counts prints for each line on standard input what the process holds; at its end the worker ends.
__attribute__((noreturn)) static inline void answer_counts(void)
{
    char line[256];
    while (fgets(line, sizeof line, stdin) != NULL) {
        long rss = 0, threads = 0;
        malloc_trim(0); // as workers in Go return what they do not use
        FILE *status = fopen("/proc/self/status", "r");
        if (status == NULL) {
            die("open /proc/self/status: %s", strerror(errno));
        }
        while (fgets(line, sizeof line, status) != NULL) {
            sscanf(line, "VmRSS: %ld", &rss);
            sscanf(line, "Threads: %ld", &threads);
        }
        fclose(status);
        printf("{\"rss_kib\":%ld,\"threads\":%ld}\n", rss, threads);
        fflush(stdout);
    }
    report(&(struct result){0});
}

// allow_many_connections raises the number of open files as far as the system lets.
static inline void allow_many_connections(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

// Roles.

struct role {
    const char *name;
    void (*run)(void);
};

// run_role runs what the command line names, of roles that end with one without a name.
static inline int run_role(int argc, char **argv, const struct role *roles)
{
    worker_argc = argc;
    worker_argv = argv;
    if (argc < 2) {
        die("usage: %s ROLE key=value ...", argv[0]);
    }
    for (; roles->name != NULL; roles++) {
        if (strcmp(roles->name, argv[1]) == 0) {
            roles->run();
            return 0;
        }
    }
    not_applicable();
}

#endif
