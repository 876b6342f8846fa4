// SPDX-License-Identifier: MIT
//
// nng_rep_contexts HOW URL CONTEXTS BATCHES
//
// One REP socket with many contexts. It takes a request in every context before it answers any, and answers in
// reverse order, so the requester must have that many outstanding and must match replies by their id.

#include "nngpeer.h"

int
main(int argc, char **argv)
{
	start_peer();
	if (argc != 5) {
		die("usage: %s HOW URL CONTEXTS BATCHES", argv[0]);
	}
	int        n = number(argv[3]), batches = number(argv[4]);
	nng_socket s;
	nng_ctx   *ctx = calloc((size_t) n, sizeof(*ctx));
	nng_msg  **msg = calloc((size_t) n, sizeof(*msg));
	check("open", nng_rep0_open(&s));
	prepare(s);
	for (int i = 0; i < n; i++) {
		check("context", nng_ctx_open(&ctx[i], s));
	}
	attach(s, argv[1], argv[2]);
	ready();
	for (int b = 0; b < batches; b++) {
		for (int i = 0; i < n; i++) {
			msg[i] = ctx_recv(ctx[i]);
		}
		for (int i = n - 1; i >= 0; i--) {
			ctx_send(ctx[i], msg[i]);
		}
	}
	printf("served %d\n", n * batches);
	wait_for_line(); // replies may still be on their way out
	nng_close(s);
	return 0;
}
