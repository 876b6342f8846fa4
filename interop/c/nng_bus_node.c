// SPDX-License-Identifier: MIT
//
// nng_bus_node NAME PEERS HOW URL [HOW URL]...
//
// One node of a bus. It says "connected" once it has that many peers, waits for a line on standard input, sends
// its name and prints one message of each peer.

#include "nngpeer.h"

int
main(int argc, char **argv)
{
	start_peer();
	if (argc < 5 || argc % 2 == 0) {
		die("usage: %s NAME PEERS HOW URL [HOW URL]...", argv[0]);
	}
	nng_socket s;
	int        peers = number(argv[2]);
	check("open", nng_bus0_open(&s));
	prepare(s);
	for (int i = 3; i < argc; i += 2) {
		attach(s, argv[i], argv[i + 1]);
	}
	ready();
	wait_pipes(peers);
	puts("connected");
	wait_for_line();
	check("send", nng_sendmsg(s, text_message(argv[1]), 0));
	for (int i = 0; i < peers; i++) {
		nng_msg *m;
		check("recv", nng_recvmsg(s, &m, 0));
		printf("heard %.*s\n", (int) nng_msg_len(m), (char *) nng_msg_body(m));
		nng_msg_free(m);
	}
	puts("done");
	wait_for_line();
	nng_close(s);
	return 0;
}
