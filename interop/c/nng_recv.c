// SPDX-License-Identifier: MIT
//
// nng_recv HOW URL pull|sub COUNT [TOPIC]...
//
// Receives COUNT messages and prints how many there were, their bytes and their checksum. It says "receiving" after
// its first message.

#include "nngpeer.h"

int
main(int argc, char **argv)
{
	start_peer();
	if (argc < 5) {
		die("usage: %s HOW URL pull|sub COUNT [TOPIC]...", argv[0]);
	}
	nng_socket s;
	int        sub   = strcmp(argv[3], "sub") == 0;
	int        want  = number(argv[4]), count = 0;
	size_t     bytes = 0;
	uint64_t   sum   = CHECKSUM_START;
	check("open", sub ? nng_sub0_open(&s) : nng_pull0_open(&s));
	prepare(s);
	if (sub) {
		check("recv-buffer", nng_socket_set_int(s, NNG_OPT_RECVBUF, 8192));
	}
	for (int i = 5; i < argc; i++) {
		check("subscribe", nng_socket_set(s, NNG_OPT_SUB_SUBSCRIBE, argv[i], strlen(argv[i])));
	}
	attach(s, argv[1], argv[2]);
	ready();
	while (count < want) {
		nng_msg *m;
		check("recv", nng_recvmsg(s, &m, 0));
		if (count++ == 0) {
			puts("receiving");
		}
		bytes += nng_msg_len(m);
		sum = checksum(sum, nng_msg_body(m), nng_msg_len(m));
		nng_msg_free(m);
	}
	printf("count %d bytes %zu checksum %016llx\n", count, bytes, (unsigned long long) sum);
	wait_for_line();
	nng_close(s);
	return 0;
}
