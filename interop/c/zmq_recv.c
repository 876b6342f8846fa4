// SPDX-License-Identifier: MIT
//
// zmq_recv HOW URL pull|sub|pair COUNT [TOPIC]
//
// Receives COUNT messages and says how many bytes they had, with their checksum. As sub it wants what begins with TOPIC. It says
// "receiving" after its first message.

#include "zmqpeer.h"

int
main(int argc, char **argv)
{
	start_peer();
	if (argc != 5 && argc != 6) {
		die("usage: %s HOW URL TYPE COUNT [TOPIC]", argv[0]);
	}
	void    *context = zmq_ctx_new();
	void    *s = open_socket(context, type_of(argv[3]));
	int      n = number(argv[4]);
	size_t   bytes = 0;
	uint64_t sum = CHECKSUM_START;
	if (strcmp(argv[3], "sub") == 0) {
		const char *topic = argc == 6 ? argv[5] : "";
		check("subscribe", zmq_setsockopt(s, ZMQ_SUBSCRIBE, topic, strlen(topic)));
	}
	attach(s, argv[1], argv[2]);
	ready();
	for (int i = 0; i < n; i++) {
		zmq_msg_t m;
		zmq_msg_init(&m);
		check("recv", zmq_msg_recv(&m, s, 0));
		if (i == 0) {
			puts("receiving");
		}
		bytes += zmq_msg_size(&m);
		sum = checksum(sum, zmq_msg_data(&m), zmq_msg_size(&m));
		zmq_msg_close(&m);
	}
	printf("count %d bytes %zu checksum %016llx\n", n, bytes, (unsigned long long) sum);
	wait_for_line();
	zmq_close(s);
	zmq_ctx_term(context);
	return 0;
}
