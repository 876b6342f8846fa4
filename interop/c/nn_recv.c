// SPDX-License-Identifier: MIT
//
// nn_recv HOW URL pull|sub COUNT [TOPIC]...
//
// Receives COUNT messages and prints how many there were, their bytes and their checksum. It says "receiving" after
// its first message.

#include "nnpeer.h"

int
main(int argc, char **argv)
{
	start_peer();
	if (argc < 5) {
		die("usage: %s HOW URL pull|sub COUNT [TOPIC]...", argv[0]);
	}
	int      want = number(argv[4]), count = 0;
	size_t   bytes = 0;
	uint64_t sum   = CHECKSUM_START;
	int      s     = open_socket(AF_SP, strcmp(argv[3], "sub") == 0 ? NN_SUB : NN_PULL);
	for (int i = 5; i < argc; i++) {
		check("subscribe", nn_setsockopt(s, NN_SUB, NN_SUB_SUBSCRIBE, argv[i], strlen(argv[i])));
	}
	attach(s, argv[1], argv[2]);
	ready();
	while (count < want) {
		void *body;
		int   len = check("recv", nn_recv(s, &body, NN_MSG, 0));
		if (count++ == 0) {
			puts("receiving");
		}
		bytes += (size_t) len;
		sum = checksum(sum, body, (size_t) len);
		nn_freemsg(body);
	}
	printf("count %d bytes %zu checksum %016llx\n", count, bytes, (unsigned long long) sum);
	wait_for_line();
	nn_close(s);
	return 0;
}
