// SPDX-License-Identifier: MIT
//
// nn_pair_flood HOW URL COUNT
//
// Receives COUNT messages over PAIR while another thread sends without end, so that the other side has input that
// nobody reads. Prints how many messages there were, their bytes and their checksum.

#include "nnpeer.h"

#include <pthread.h>

static void *
flood(void *arg)
{
	static char body[65536];
	while (nn_send(*(int *) arg, body, sizeof(body), 0) >= 0) {
	} // until the socket is closed, or nobody takes more
	return NULL;
}

int
main(int argc, char **argv)
{
	start_peer();
	if (argc != 4) {
		die("usage: %s HOW URL COUNT", argv[0]);
	}
	pthread_t thread;
	int       want  = number(argv[3]);
	size_t    bytes = 0;
	uint64_t  sum   = CHECKSUM_START;
	int       s     = open_socket(AF_SP, NN_PAIR);
	attach(s, argv[1], argv[2]);
	ready();
	if (pthread_create(&thread, NULL, flood, &s) != 0) {
		die("cannot make a thread");
	}
	for (int i = 0; i < want; i++) {
		void *body;
		int   len = check("recv", nn_recv(s, &body, NN_MSG, 0));
		bytes += (size_t) len;
		sum = checksum(sum, body, (size_t) len);
		nn_freemsg(body);
	}
	printf("count %d bytes %zu checksum %016llx\n", want, bytes, (unsigned long long) sum);
	wait_for_line();
	nn_close(s);
	pthread_join(thread, NULL);
	return 0;
}
