// SPDX-License-Identifier: MIT
//
// nn_bus_node NAME PEERS HOW URL [HOW URL]...
//
// One node of a bus. It says "connected" once it has that many peers, waits for a line on standard input, sends
// its name and prints one message of each peer.

#include "nnpeer.h"

int
main(int argc, char **argv)
{
	start_peer();
	if (argc < 5 || argc % 2 == 0) {
		die("usage: %s NAME PEERS HOW URL [HOW URL]...", argv[0]);
	}
	int s = open_socket(AF_SP, NN_BUS), peers = number(argv[2]);
	for (int i = 3; i < argc; i += 2) {
		attach(s, argv[i], argv[i + 1]);
	}
	ready();
	wait_pipes(s, peers);
	puts("connected");
	wait_for_line();
	check("send", nn_send(s, argv[1], strlen(argv[1]), 0));
	for (int i = 0; i < peers; i++) {
		char *body;
		int   len = check("recv", nn_recv(s, &body, NN_MSG, 0));
		printf("heard %.*s\n", len, body);
		nn_freemsg(body);
	}
	puts("done");
	wait_for_line();
	nn_close(s);
	return 0;
}
