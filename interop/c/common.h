// SPDX-License-Identifier: MIT
//
// What every C peer shares. A peer does one job, says "ready" on standard output once others may connect,
// prints its results a line each, and ends with 0 only if all that it checks held.

#ifndef COMMON_H
#define COMMON_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// No peer outlives a test that forgot it.
#define WATCHDOG_SECONDS 120
#define RECV_TIMEOUT_MS 60000

static inline void
start_peer(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(WATCHDOG_SECONDS);
}

__attribute__((noreturn, format(printf, 1, 2))) static inline void
die(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static inline int
number(const char *s)
{
	char *end;
	long  n = strtol(s, &end, 10);
	if (*s == '\0' || *end != '\0' || n < 0 || n > 1000000000) {
		die("not a number: %s", s);
	}
	return (int) n;
}

// The harness lets a peer go on, or go away, by a line on its standard input or by closing it. Says which it was.
static inline int
another_line(void)
{
	int c;
	do {
		c = getchar();
	} while (c != '\n' && c != EOF);
	return c == '\n';
}

static inline void
wait_for_line(void)
{
	(void) another_line();
}

// FNV-1a over the bodies of all messages, which the Go side computes as well.
#define CHECKSUM_START UINT64_C(14695981039346656037)

static inline uint64_t
checksum(uint64_t sum, const void *body, size_t len)
{
	const unsigned char *p = body;
	for (size_t i = 0; i < len; i++) {
		sum = (sum ^ p[i]) * UINT64_C(1099511628211);
	}
	return sum;
}

// Message number i of a run: a body that both sides can make and that differs from its neighbours.
static inline void
fill(unsigned char *body, size_t len, int i)
{
	for (size_t k = 0; k < len; k++) {
		body[k] = (unsigned char) (i + k * 7);
	}
	if (len >= 4) {
		body[0] = (unsigned char) (i >> 24);
		body[1] = (unsigned char) (i >> 16);
		body[2] = (unsigned char) (i >> 8);
		body[3] = (unsigned char) i;
	}
}

#endif
