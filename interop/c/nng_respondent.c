// SPDX-License-Identifier: MIT
//
// nng_respondent HOW URL NAME DELAY_MS
//
// Answers every survey with "<survey> from NAME", DELAY_MS later, until it is killed.

#include "nngpeer.h"

int
main(int argc, char **argv)
{
	start_peer();
	if (argc != 5) {
		die("usage: %s HOW URL NAME DELAY_MS", argv[0]);
	}
	nng_socket s;
	check("open", nng_respondent0_open(&s));
	prepare(s);
	attach(s, argv[1], argv[2]);
	ready();
	for (;;) {
		nng_msg *m;
		check("recv", nng_recvmsg(s, &m, 0));
		nng_msleep(number(argv[4]));
		check("append", nng_msg_append(m, " from ", 6));
		check("append", nng_msg_append(m, argv[3], strlen(argv[3])));
		check("send", nng_sendmsg(s, m, 0));
	}
}
