// SPDX-License-Identifier: MIT
//
// czmq_cert save PATH NAME   makes a certificate and prints its keys: "keys PUBLIC SECRET"
// czmq_cert load PATH        prints those of a certificate, and the name in it: "keys PUBLIC SECRET", "name NAME"

#include <czmq.h>

#include "common.h"

int
main(int argc, char **argv)
{
	start_peer();
	zcert_t *cert = NULL;
	if (argc == 4 && strcmp(argv[1], "save") == 0) {
		cert = zcert_new();
		zcert_set_meta(cert, "name", "%s", argv[3]);
		if (zcert_save(cert, argv[2]) != 0) {
			die("cannot save %s", argv[2]);
		}
	} else if (argc == 3 && strcmp(argv[1], "load") == 0) {
		cert = zcert_load(argv[2]);
		if (cert == NULL) {
			die("cannot load %s", argv[2]);
		}
		printf("name %s\n", zcert_meta(cert, "name"));
	} else {
		die("usage: %s save PATH NAME | load PATH", argv[0]);
	}
	printf("keys %s %s\n", zcert_public_txt(cert), zcert_secret_txt(cert));
	zcert_destroy(&cert);
	return 0;
}
