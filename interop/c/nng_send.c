// SPDX-License-Identifier: MIT
//
// nng_send HOW URL push|pub PIPES COUNT SIZE
//
// Waits for that many pipes and sends COUNT numbered messages of SIZE bytes. As push it then says "sent", sends the next one at
// each line of standard input, and stays until that ends, so that nothing is lost by closing. As pub it begins again, because it drops what is
// too fast for its peers, and goes on until it is killed.

#include "nngpeer.h"

static void
send_numbered(nng_socket s, size_t size, int i)
{
	nng_msg *m;
	check("alloc", nng_msg_alloc(&m, size));
	fill(nng_msg_body(m), size, i);
	check("send", nng_sendmsg(s, m, 0));
}

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
		send_numbered(s, size, i % n);
		if (pub) {
			usleep(200);
		}
	}
	puts("sent");
	for (int i = n; another_line(); i++) {
		send_numbered(s, size, i);
	}
	nng_close(s);
	return 0;
}
