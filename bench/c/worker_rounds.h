// SPDX-License-Identifier: MIT
//
// Requests and their latencies: a part of worker.h.

#ifndef WORKER_ROUNDS_H
#define WORKER_ROUNDS_H

#include "worker.h"

// Rounds: what a requester of the latency roles times.

// say_warm is for requesters, whose servers count from here too.
static inline void say_warm(void)
{
    puts("warm");
    fflush(stdout);
}

// measure_rounds times the calls of round that the time allows, after a warm-up, and reports.
__attribute__((noreturn)) static inline void measure_rounds(void (*round)(void *), void *with)
{
    uint64_t *latencies = (uint64_t *) malloc(MAX_SAMPLES * sizeof *latencies);
    size_t n = 0, size = size_arg();
    uint64_t warm = now_ns() + warm_ns();
    do {
        round(with);
    } while (now_ns() < warm);
    say_warm();
    mark_usage();
    uint64_t start = now_ns(), before = start, end = start + secs_ns();
    while (n < MAX_SAMPLES && (before < end || n == 0)) {
        round(with);
        uint64_t after = now_ns();
        latencies[n++] = after - before;
        before = after;
    }
    report(&(struct result){.messages = n, .total = n, .bytes = n * size, .seconds = (double) (before - start) / 1e9,
                            .latencies = latencies, .samples = n});
}

// Calls: what concurrent callers time. Calls count that end after the warm-up and in time, or are the first to end.
static struct {
    uint64_t warm, end;
    atomic_size_t count;
    uint64_t *took;
} calls;

static inline void calls_begin(void)
{
    calls.warm = now_ns() + warm_ns();
    calls.end = calls.warm + secs_ns();
    calls.took = (uint64_t *) malloc(MAX_SAMPLES * sizeof *calls.took);
}

// call_ended counts a call and says whether there is time for another. began becomes that of the next.
static inline int call_ended(uint64_t *began)
{
    uint64_t now = now_ns(), took = now - *began;
    *began = now;
    int first = now >= calls.warm && mark_usage_once();
    if (first) {
        say_warm();
    }
    if (first || (now >= calls.warm && now < calls.end)) {
        size_t i = atomic_fetch_add(&calls.count, 1);
        if (i < MAX_SAMPLES) {
            calls.took[i] = took;
        }
    }
    return now < calls.end;
}

// report_calls is the end of concurrent callers.
__attribute__((noreturn)) static inline void report_calls(void)
{
    size_t n = atomic_load(&calls.count);
    report(&(struct result){.messages = n, .total = n, .bytes = n * size_arg(),
                            .seconds = (double) (calls.end - calls.warm) / 1e9, .latencies = calls.took,
                            .samples = n < MAX_SAMPLES ? n : MAX_SAMPLES});
}

#endif
