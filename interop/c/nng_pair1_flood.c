// SPDX-License-Identifier: MIT
//
// nng_pair1_flood HOW URL COUNT
//
// Receives COUNT messages over PAIR 1 while another thread sends without end, so that the other side has input that
// nobody reads. Prints how many messages there were, their bytes and their checksum.

#include "nngpeer.h"

static void
flood(void *arg)
{
	nng_socket s = *(nng_socket *) arg;
	nng_msg   *m;
	do {
		check("alloc", nng_msg_alloc(&m, 65536));
	} while (nng_sendmsg(s, m, 0) == 0); // until the socket is closed, or nobody takes more
}

int
main(int argc, char **argv)
{
	start_peer();
	if (argc != 4) {
		die("usage: %s HOW URL COUNT", argv[0]);
	}
	nng_socket  s;
	nng_thread *thread;
	int         want  = number(argv[3]);
	size_t      bytes = 0;
	uint64_t    sum   = CHECKSUM_START;
	check("open", nng_pair1_open(&s));
	prepare(s);
	attach(s, argv[1], argv[2]);
	ready();
	check("thread", nng_thread_create(&thread, flood, &s));
	for (int i = 0; i < want; i++) {
		nng_msg *m;
		check("recv", nng_recvmsg(s, &m, 0));
		bytes += nng_msg_len(m);
		sum = checksum(sum, nng_msg_body(m), nng_msg_len(m));
		nng_msg_free(m);
	}
	printf("count %d bytes %zu checksum %016llx\n", want, bytes, (unsigned long long) sum);
	wait_for_line();
	nng_close(s);
	nng_thread_destroy(thread);
	return 0;
}
