// SPDX-License-Identifier: MIT
//
// nn_surveyor HOW URL RESPONDENTS DEADLINE_MS SURVEYS
//
// Waits for that many respondents, then makes surveys and prints every answer. Each survey must end by its
// deadline.

#include "nnpeer.h"

#include <errno.h>

int
main(int argc, char **argv)
{
	start_peer();
	if (argc != 6) {
		die("usage: %s HOW URL RESPONDENTS DEADLINE_MS SURVEYS", argv[0]);
	}
	int s = open_socket(AF_SP, NN_SURVEYOR);
	set_int(s, NN_SURVEYOR, NN_SURVEYOR_DEADLINE, number(argv[4]));
	attach(s, argv[1], argv[2]);
	ready();
	wait_pipes(s, number(argv[3]));
	for (int k = 0, n = number(argv[5]); k < n; k++) {
		char  text[32];
		void *body;
		int   len;
		snprintf(text, sizeof(text), "survey %d", k);
		check("send", nn_send(s, text, strlen(text), 0));
		while ((len = nn_recv(s, &body, NN_MSG, 0)) >= 0) {
			printf("%s: %.*s\n", text, len, (char *) body);
			nn_freemsg(body);
		}
		if (nn_errno() != ETIMEDOUT && nn_errno() != EFSM) {
			check("recv", -1);
		}
	}
	puts("done");
	nn_close(s);
	return 0;
}
