// SPDX-License-Identifier: MIT
//
// nng_deaf HOW URL
//
// A PULL socket that receives nothing, until a line on standard input says that the sender has given up. Then it
// takes what has reached this machine and prints how many messages that were.

#include "nngpeer.h"

// Everything that will come is on this machine by then, so a pause is the end.
#define PAUSE_MS 2000

int
main(int argc, char **argv)
{
	start_peer();
	if (argc != 3) {
		die("usage: %s HOW URL", argv[0]);
	}
	nng_socket s;
	nng_msg   *m;
	int        count = 0, rv;
	check("open", nng_pull0_open(&s));
	prepare(s);
	check("recv-timeout", nng_socket_set_ms(s, NNG_OPT_RECVTIMEO, PAUSE_MS));
	attach(s, argv[1], argv[2]);
	ready();
	wait_for_line();
	while ((rv = nng_recvmsg(s, &m, 0)) == 0) {
		nng_msg_free(m);
		count++;
	}
	if (rv != NNG_ETIMEDOUT) {
		check("recv", rv);
	}
	printf("count %d\n", count);
	nng_close(s);
	return 0;
}
