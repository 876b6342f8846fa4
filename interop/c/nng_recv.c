// SPDX-License-Identifier: MIT
//
// nng_recv pull|sub|pair0|pair1 HOW URL COUNT [TOPIC]...
//
// Receives COUNT messages and prints how many there were, their bytes and their checksum. It says "receiving" after
// its first message.

#include "nngpeer.h"

static int
open_socket(nng_socket *s, const char *protocol)
{
	if (strcmp(protocol, "pull") == 0) {
		return nng_pull0_open(s);
	}
	if (strcmp(protocol, "sub") == 0) {
		return nng_sub0_open(s);
	}
	if (strcmp(protocol, "pair0") == 0) {
		return nng_pair0_open(s);
	}
	if (strcmp(protocol, "pair1") == 0) {
		return nng_pair1_open(s);
	}
	die("no such protocol: %s", protocol);
}

int
main(int argc, char **argv)
{
	start_peer();
	if (argc < 5) {
		die("usage: %s PROTOCOL HOW URL COUNT [TOPIC]...", argv[0]);
	}
	nng_socket s;
	int        want = number(argv[4]), count = 0;
	size_t     bytes = 0;
	uint64_t   sum   = CHECKSUM_START;
	check("open", open_socket(&s, argv[1]));
	prepare(s);
	if (strcmp(argv[1], "sub") == 0) {
		check("recv-buffer", nng_socket_set_int(s, NNG_OPT_RECVBUF, 8192));
	}
	for (int i = 5; i < argc; i++) {
		check("subscribe", nng_socket_set(s, NNG_OPT_SUB_SUBSCRIBE, argv[i], strlen(argv[i])));
	}
	attach(s, argv[2], argv[3]);
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
