// SPDX-License-Identifier: MIT
//
// nng_send HOW URL push|pub PIPES COUNT SIZE
//
// Waits for that many pipes and sends COUNT numbered messages of SIZE bytes. As push it then says "sent" and stays
// until its standard input ends, so that nothing is lost by closing. As pub it begins again, because it drops what is
// too fast for its peers, and goes on until it is killed.

#include "nngpeer.h"

int
main(int argc, char **argv)
{
	start_peer();
	if (argc != 7) {
		die("usage: %s HOW URL push|pub PIPES COUNT SIZE", argv[0]);
	}
	nng_socket s;
	int        pub  = strcmp(argv[3], "pub") == 0;
	int        n    = number(argv[5]);
	size_t     size = (size_t) number(argv[6]);
	check("open", pub ? nng_pub0_open(&s) : nng_push0_open(&s));
	prepare(s);
	check("send-buffer", nng_socket_set_int(s, NNG_OPT_SENDBUF, 8192));
	attach(s, argv[1], argv[2]);
	ready();
	wait_pipes(number(argv[4]));
	for (int i = 0; pub || i < n; i++) {
		nng_msg *m;
		check("alloc", nng_msg_alloc(&m, size));
		fill(nng_msg_body(m), size, i % n);
		check("send", nng_sendmsg(s, m, 0));
		if (pub) {
			usleep(200);
		}
	}
	puts("sent");
	wait_for_line();
	nng_close(s);
	return 0;
}
