// SPDX-License-Identifier: MIT
//
// nng_device KIND FRONT BACK
//
// A device between two raw sockets that both listen: FRONT faces those who ask, publish or push, BACK those who
// answer, subscribe or pull. It runs until it is killed.

#include "nngpeer.h"

static const struct {
	const char *name;
	int (*front)(nng_socket *);
	int (*back)(nng_socket *);
} kinds[] = {
	{ "reqrep", nng_rep0_open_raw, nng_req0_open_raw },
	{ "survey", nng_respondent0_open_raw, nng_surveyor0_open_raw },
	{ "pipeline", nng_pull0_open_raw, nng_push0_open_raw },
	{ "pubsub", nng_sub0_open_raw, nng_pub0_open_raw },
	{ "pair0", nng_pair0_open_raw, nng_pair0_open_raw },
	{ "pair1", nng_pair1_open_raw, nng_pair1_open_raw },
	{ "bus", nng_bus0_open_raw, nng_bus0_open_raw },
};

int
main(int argc, char **argv)
{
	start_peer();
	if (argc != 4) {
		die("usage: %s KIND FRONT BACK", argv[0]);
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		nng_socket front, back;
		if (strcmp(argv[1], kinds[i].name) != 0) {
			continue;
		}
		check("open", kinds[i].front(&front));
		check("open", kinds[i].back(&back));
		check(argv[2], nng_listen(front, argv[2], NULL, 0));
		check(argv[3], nng_listen(back, argv[3], NULL, 0));
		ready();
		check("device", nng_device(front, back));
		return 0;
	}
	die("no such kind of device: %s", argv[1]);
}
