// SPDX-License-Identifier: MIT
//
// nn_ask HOW URL req|pair COUNT SIZE
//
// Sends COUNT numbered messages of SIZE bytes one after the other, each after the echo of the one before.

#include "nnpeer.h"

int
main(int argc, char **argv)
{
	start_peer();
	if (argc != 6) {
		die("usage: %s HOW URL req|pair COUNT SIZE", argv[0]);
	}
	int            s    = open_socket(AF_SP, strcmp(argv[3], "req") == 0 ? NN_REQ : NN_PAIR);
	int            n    = number(argv[4]);
	size_t         size = (size_t) number(argv[5]);
	unsigned char *sent = malloc(size + 1);
	attach(s, argv[1], argv[2]);
	ready();
	for (int i = 0; i < n; i++) {
		void *body;
		fill(sent, size, i);
		check("send", nn_send(s, sent, size, 0));
		int len = check("recv", nn_recv(s, &body, NN_MSG, 0));
		if ((size_t) len != size || memcmp(body, sent, size) != 0) {
			die("the echo of message %d differs", i);
		}
		nn_freemsg(body);
	}
	printf("answered %d\n", n);
	nn_close(s);
	return 0;
}
