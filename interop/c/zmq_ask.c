// SPDX-License-Identifier: MIT
//
// zmq_ask HOW URL req|dealer COUNT SIZE
//
// Asks COUNT numbered questions of SIZE bytes, one after the other, each of which is to come back as it was.

#include "zmqpeer.h"

int
main(int argc, char **argv)
{
	start_peer();
	if (argc != 6) {
		die("usage: %s HOW URL TYPE COUNT SIZE", argv[0]);
	}
	void          *context = zmq_ctx_new();
	void          *s = open_socket(context, type_of(argv[3]));
	int            dealer = strcmp(argv[3], "dealer") == 0;
	int            n = number(argv[4]);
	size_t         size = (size_t) number(argv[5]);
	unsigned char *body = malloc(size + 1), *back = malloc(size + 1);
	attach(s, argv[1], argv[2]);
	ready();
	for (int i = 0; i < n; i++) {
		fill(body, size, i);
		if (dealer) {
			check("send", zmq_send(s, "", 0, ZMQ_SNDMORE));
		}
		check("send", zmq_send(s, body, size, 0));
		if (dealer && check("recv", zmq_recv(s, back, size + 1, 0)) != 0) {
			die("answer %d has no envelope", i);
		}
		if ((size_t) check("recv", zmq_recv(s, back, size + 1, 0)) != size || memcmp(body, back, size) != 0) {
			die("answer %d is not the question", i);
		}
	}
	puts("answered");
	wait_for_line();
	zmq_close(s);
	zmq_ctx_term(context);
	return 0;
}
