// SPDX-License-Identifier: MIT
//
// nng_pair1_echo HOW URL mono|poly COUNT
//
// Sends COUNT messages back to the pipe that each came from, over a PAIR 1 socket.

#include "nngpeer.h"

int
main(int argc, char **argv)
{
	start_peer();
	if (argc != 5) {
		die("usage: %s HOW URL mono|poly COUNT", argv[0]);
	}
	nng_socket s;
	if (strcmp(argv[3], "poly") == 0) {
		check("open", nng_pair1_open_poly(&s));
	} else {
		check("open", nng_pair1_open(&s));
	}
	prepare(s);
	attach(s, argv[1], argv[2]);
	ready();
	for (int i = 0, n = number(argv[4]); i < n; i++) {
		nng_msg *m, *echo;
		check("recv", nng_recvmsg(s, &m, 0));
		check("dup", nng_msg_dup(&echo, m)); // a received message keeps its header, an own one has none
		nng_msg_header_clear(echo);
		nng_msg_set_pipe(echo, nng_msg_get_pipe(m));
		check("send", nng_sendmsg(s, echo, 0));
		nng_msg_free(m);
	}
	puts("done");
	wait_for_line();
	nng_close(s);
	return 0;
}
