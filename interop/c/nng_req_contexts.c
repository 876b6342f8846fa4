// SPDX-License-Identifier: MIT
//
// nng_req_contexts HOW URL CONTEXTS ROUNDS
//
// One REQ socket with many contexts. Each round has a request of every context outstanding at the same time;
// each context must get the echo of its own.

#include "nngpeer.h"

int
main(int argc, char **argv)
{
	start_peer();
	if (argc != 5) {
		die("usage: %s HOW URL CONTEXTS ROUNDS", argv[0]);
	}
	int        n = number(argv[3]), rounds = number(argv[4]);
	nng_socket s;
	nng_ctx   *ctx = calloc((size_t) n, sizeof(*ctx));
	check("open", nng_req0_open(&s));
	prepare(s);
	attach(s, argv[1], argv[2]);
	ready();
	for (int i = 0; i < n; i++) {
		check("context", nng_ctx_open(&ctx[i], s));
	}
	for (int r = 0; r < rounds; r++) {
		char text[64];
		for (int i = 0; i < n; i++) {
			snprintf(text, sizeof(text), "context %d round %d", i, r);
			ctx_send(ctx[i], text_message(text));
		}
		for (int i = 0; i < n; i++) {
			nng_msg *m = ctx_recv(ctx[i]);
			snprintf(text, sizeof(text), "context %d round %d", i, r);
			if (nng_msg_len(m) != strlen(text) || memcmp(nng_msg_body(m), text, strlen(text)) != 0) {
				die("context %d round %d got another's reply: %.*s", i, r, (int) nng_msg_len(m),
				    (char *) nng_msg_body(m));
			}
			nng_msg_free(m);
		}
	}
	printf("answered %d\n", n * rounds);
	nng_close(s);
	return 0;
}
