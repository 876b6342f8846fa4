// SPDX-License-Identifier: MIT
//
// nn_respondent HOW URL NAME DELAY_MS
//
// Answers every survey with "<survey> from NAME", DELAY_MS later, until it is killed.

#include "nnpeer.h"

int
main(int argc, char **argv)
{
	start_peer();
	if (argc != 5) {
		die("usage: %s HOW URL NAME DELAY_MS", argv[0]);
	}
	int s = open_socket(AF_SP, NN_RESPONDENT);
	attach(s, argv[1], argv[2]);
	ready();
	for (;;) {
		char *body, answer[256];
		int   len = check("recv", nn_recv(s, &body, NN_MSG, 0));
		usleep((useconds_t) number(argv[4]) * 1000);
		snprintf(answer, sizeof(answer), "%.*s from %s", len, body, argv[3]);
		check("send", nn_send(s, answer, strlen(answer), 0));
		nn_freemsg(body);
	}
}
