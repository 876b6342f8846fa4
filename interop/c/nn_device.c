// SPDX-License-Identifier: MIT
//
// nn_device KIND FRONT BACK
//
// A device between two raw sockets that both listen: FRONT faces those who ask, publish or push, BACK those who
// answer, subscribe or pull. It runs until it is killed.

#include "nnpeer.h"

static const struct {
	const char *name;
	int         front, back;
} kinds[] = {
	{ "reqrep", NN_REP, NN_REQ },
	{ "survey", NN_RESPONDENT, NN_SURVEYOR },
	{ "pipeline", NN_PULL, NN_PUSH },
	{ "pubsub", NN_SUB, NN_PUB },
	{ "pair", NN_PAIR, NN_PAIR },
	{ "bus", NN_BUS, NN_BUS },
};

int
main(int argc, char **argv)
{
	start_peer();
	if (argc != 4) {
		die("usage: %s KIND FRONT BACK", argv[0]);
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(argv[1], kinds[i].name) != 0) {
			continue;
		}
		int front = open_socket(AF_SP_RAW, kinds[i].front);
		int back  = open_socket(AF_SP_RAW, kinds[i].back);
		if (kinds[i].front == NN_SUB) { // raw ones filter too
			check("subscribe", nn_setsockopt(front, NN_SUB, NN_SUB_SUBSCRIBE, "", 0));
		}
		attach(front, "listen", argv[2]);
		attach(back, "listen", argv[3]);
		ready();
		check("device", nn_device(front, back));
		return 0;
	}
	die("no such kind of device: %s", argv[1]);
}
