// SPDX-License-Identifier: MIT
//
// nng_tls HOW URL req|rep CA CERTIFICATE KEY
//
// Requests or echoes over tls+tcp, with a certificate of its own and a demand for the peer's. The name that a
// dialing end expects is localhost.

#include "nngpeer.h"

#include <nng/supplemental/tls/tls.h>

static char *
file(const char *path)
{
	static char buf[65536];
	FILE       *f = fopen(path, "rb");
	if (f == NULL) {
		die("cannot open %s", path);
	}
	buf[fread(buf, 1, sizeof(buf) - 1, f)] = '\0';
	fclose(f);
	return strdup(buf);
}

static void
ask(nng_socket s, size_t len)
{
	nng_msg *m, *reply;
	check("alloc", nng_msg_alloc(&m, len));
	fill(nng_msg_body(m), len, (int) len);
	check("dup", nng_msg_dup(&reply, m));
	check("send", nng_sendmsg(s, m, 0));
	m = reply;
	check("recv", nng_recvmsg(s, &reply, 0));
	if (nng_msg_len(reply) != len || memcmp(nng_msg_body(reply), nng_msg_body(m), len) != 0) {
		die("the echo of %zu bytes differs", len);
	}
	nng_msg_free(m);
	nng_msg_free(reply);
}

int
main(int argc, char **argv)
{
	start_peer();
	if (argc != 7) {
		die("usage: %s HOW URL req|rep CA CERTIFICATE KEY", argv[0]);
	}
	int             asking  = strcmp(argv[3], "req") == 0;
	int             dialing = strcmp(argv[1], "dial") == 0;
	nng_socket      s;
	nng_tls_config *tls;
	check("open", asking ? nng_req0_open(&s) : nng_rep0_open(&s));
	prepare(s);
	check("config", nng_tls_config_alloc(&tls, dialing ? NNG_TLS_MODE_CLIENT : NNG_TLS_MODE_SERVER));
	check("ca", nng_tls_config_ca_chain(tls, file(argv[4]), NULL));
	check("certificate", nng_tls_config_own_cert(tls, file(argv[5]), file(argv[6]), NULL));
	check("mode", nng_tls_config_auth_mode(tls, NNG_TLS_AUTH_MODE_REQUIRED));
	if (dialing) {
		nng_dialer d;
		check("server name", nng_tls_config_server_name(tls, "localhost"));
		check("dialer", nng_dialer_create(&d, s, argv[2]));
		check("tls", nng_dialer_set_ptr(d, NNG_OPT_TLS_CONFIG, tls));
		check("dial", nng_dialer_start(d, NNG_FLAG_NONBLOCK));
	} else {
		nng_listener l;
		check("listener", nng_listener_create(&l, s, argv[2]));
		check("tls", nng_listener_set_ptr(l, NNG_OPT_TLS_CONFIG, tls));
		check("listen", nng_listener_start(l, 0));
	}
	ready();
	if (asking) {
		ask(s, 0);
		ask(s, 300);
		ask(s, 1 << 20);
		puts("done");
		return 0;
	}
	for (;;) {
		nng_msg *m;
		check("recv", nng_recvmsg(s, &m, 0));
		check("send", nng_sendmsg(s, m, 0));
	}
}
