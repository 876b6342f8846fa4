// SPDX-License-Identifier: MIT
//
// zmq_echo HOW URL rep|router|pair
//
// Sends every message back, all its frames, until it is killed.

#include "zmqpeer.h"

int
main(int argc, char **argv)
{
	start_peer();
	if (argc != 4) {
		die("usage: %s HOW URL TYPE", argv[0]);
	}
	void *context = zmq_ctx_new();
	void *s = open_socket(context, type_of(argv[3]));
	attach(s, argv[1], argv[2]);
	ready();
	for (;;) {
		zmq_msg_t m;
		zmq_msg_init(&m);
		check("recv", zmq_msg_recv(&m, s, 0));
		check("send", zmq_msg_send(&m, s, zmq_msg_more(&m) ? ZMQ_SNDMORE : 0));
	}
}
