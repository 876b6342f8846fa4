// SPDX-License-Identifier: MIT
//
// nn_echo HOW URL rep|pair
//
// Sends every message back, until it is killed.

#include "nnpeer.h"

int
main(int argc, char **argv)
{
	start_peer();
	if (argc != 4) {
		die("usage: %s HOW URL rep|pair", argv[0]);
	}
	int s = open_socket(AF_SP, strcmp(argv[3], "rep") == 0 ? NN_REP : NN_PAIR);
	attach(s, argv[1], argv[2]);
	ready();
	for (;;) {
		void *body;
		int   len = check("recv", nn_recv(s, &body, NN_MSG, 0));
		check("send", nn_send(s, body, (size_t) len, 0));
		nn_freemsg(body);
	}
}
