// SPDX-License-Identifier: MIT
//
// nn_send HOW URL push|pub PIPES COUNT SIZE
//
// Waits for that many pipes and sends COUNT numbered messages of SIZE bytes. As push it then says "sent", sends the next one at
// each line of standard input, and stays until that ends, so that nothing is lost by closing. As pub it begins again, because it drops what is
// too fast for its peers, and goes on until it is killed.

#include "nnpeer.h"

int
main(int argc, char **argv)
{
	start_peer();
	if (argc != 7) {
		die("usage: %s HOW URL push|pub PIPES COUNT SIZE", argv[0]);
	}
	int            pub  = strcmp(argv[3], "pub") == 0;
	int            s    = open_socket(AF_SP, pub ? NN_PUB : NN_PUSH);
	int            n    = number(argv[5]);
	size_t         size = (size_t) number(argv[6]);
	unsigned char *body = malloc(size + 1);
	attach(s, argv[1], argv[2]);
	ready();
	wait_pipes(s, number(argv[4]));
	for (int i = 0; pub || i < n; i++) {
		fill(body, size, i % n);
		check("send", nn_send(s, body, size, 0));
		if (pub) {
			usleep(200);
		}
	}
	puts("sent");
	for (int i = n; another_line(); i++) {
		fill(body, size, i);
		check("send", nn_send(s, body, size, 0));
	}
	nn_close(s);
	return 0;
}
