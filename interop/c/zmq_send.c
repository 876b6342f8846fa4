// SPDX-License-Identifier: MIT
//
// zmq_send HOW URL push|pair|xpub COUNT SIZE
//
// Sends COUNT numbered messages of SIZE bytes, says "sent", and stays until its standard input ends. As xpub it first
// waits for a subscription.

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
	int            n = number(argv[4]);
	size_t         size = (size_t) number(argv[5]);
	unsigned char *body = malloc(size + 1);
	attach(s, argv[1], argv[2]);
	ready();
	if (strcmp(argv[3], "xpub") == 0) {
		char subscription[256];
		check("subscription", zmq_recv(s, subscription, sizeof(subscription), 0));
	}
	for (int i = 0; i < n; i++) {
		fill(body, size, i);
		check("send", zmq_send(s, body, size, 0));
	}
	puts("sent");
	wait_for_line();
	zmq_close(s);
	zmq_ctx_term(context);
	return 0;
}
