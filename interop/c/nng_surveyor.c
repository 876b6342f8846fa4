// SPDX-License-Identifier: MIT
//
// nng_surveyor HOW URL RESPONDENTS DEADLINE_MS SURVEYS
//
// Waits for that many respondents, then makes surveys and prints every answer. Each survey must end by its
// deadline, and nothing may be received after it.

#include "nngpeer.h"

int
main(int argc, char **argv)
{
	start_peer();
	if (argc != 6) {
		die("usage: %s HOW URL RESPONDENTS DEADLINE_MS SURVEYS", argv[0]);
	}
	int        surveys = number(argv[5]), rv;
	nng_socket s;
	nng_msg   *m;
	check("open", nng_surveyor0_open(&s));
	prepare(s);
	check("survey-time", nng_socket_set_ms(s, NNG_OPT_SURVEYOR_SURVEYTIME, number(argv[4])));
	attach(s, argv[1], argv[2]);
	ready();
	wait_pipes(number(argv[3]));
	for (int k = 0; k < surveys; k++) {
		char text[32];
		snprintf(text, sizeof(text), "survey %d", k);
		check("send", nng_sendmsg(s, text_message(text), 0));
		while ((rv = nng_recvmsg(s, &m, 0)) == 0) {
			printf("%s: %.*s\n", text, (int) nng_msg_len(m), (char *) nng_msg_body(m));
			nng_msg_free(m);
		}
		if (rv != NNG_ETIMEDOUT && rv != NNG_ESTATE) {
			check("recv", rv);
		}
		if ((rv = nng_recvmsg(s, &m, 0)) != NNG_ESTATE) {
			die("receiving after the deadline: %s", nng_strerror(rv));
		}
	}
	puts("done");
	nng_close(s);
	return 0;
}
