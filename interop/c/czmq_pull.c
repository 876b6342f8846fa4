// SPDX-License-Identifier: MIT
//
// czmq_pull ENDPOINT CERTIFICATE DIRECTORY COUNT
//
// Listens as a CURVE server whose certificate is in a file, for clients whose certificates are in a directory, by CZMQ's
// zauth. Says "client KEY" when COUNT messages have come, each "client KEY" with the same key.

#include <czmq.h>

#include "common.h"

int
main(int argc, char **argv)
{
	start_peer();
	if (argc != 5) {
		die("usage: %s ENDPOINT CERTIFICATE DIRECTORY COUNT", argv[0]);
	}
	zactor_t *auth = zactor_new(zauth, NULL);
	zstr_sendx(auth, "CURVE", argv[3], NULL);
	zsock_wait(auth);
	zcert_t *cert = zcert_load(argv[2]);
	if (cert == NULL) {
		die("cannot load %s", argv[2]);
	}
	zsock_t *pull = zsock_new(ZMQ_PULL);
	zsock_set_zap_domain(pull, "test");
	zcert_apply(cert, pull);
	zsock_set_curve_server(pull, 1);
	zsock_set_rcvtimeo(pull, RECV_TIMEOUT_MS);
	if (zsock_bind(pull, "%s", argv[1]) < 0) {
		die("cannot bind %s", argv[1]);
	}
	puts("ready");
	char *first = NULL;
	for (int i = number(argv[4]); i > 0; i--) {
		char *text = zstr_recv(pull);
		if (text == NULL || (first != NULL && strcmp(first, text) != 0)) {
			die("received %s", text == NULL ? "nothing" : text);
		}
		if (first == NULL) {
			first = text;
		} else {
			freen(text);
		}
	}
	puts(first);
	freen(first);
	wait_for_line();
	zcert_destroy(&cert);
	zsock_destroy(&pull);
	zactor_destroy(&auth);
	return 0;
}
