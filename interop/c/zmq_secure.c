// SPDX-License-Identifier: MIT
//
// zmq_secure HOW URL plain-client USER PASSWORD
// zmq_secure HOW URL plain-server USER PASSWORD
// zmq_secure HOW URL curve-client PUBLIC SECRET SERVER
// zmq_secure HOW URL curve-server SECRET CLIENT
//
// A PAIR that sends every message back until its standard input ends. A server asks a ZAP handler, which is here too
// and lets in whom the arguments name, as the user "known". What libzmq's monitor says of failed handshakes is printed:
// "refused STATUS" and "protocol error CODE". Keys are in Z85.

#include "zmqpeer.h"

#define MONITOR "inproc://monitor"

static void
set(void *s, int option, const char *value)
{
	check("option", zmq_setsockopt(s, option, value, strlen(value)));
}

static void
secure(void *s, int argc, char **argv)
{
	const char *what = argv[3];
	int         on = 1;
	if (strcmp(what, "plain-client") == 0 && argc == 6) {
		set(s, ZMQ_PLAIN_USERNAME, argv[4]);
		set(s, ZMQ_PLAIN_PASSWORD, argv[5]);
	} else if (strcmp(what, "plain-server") == 0 && argc == 6) {
		check("option", zmq_setsockopt(s, ZMQ_PLAIN_SERVER, &on, sizeof(on)));
	} else if (strcmp(what, "curve-client") == 0 && argc == 7) {
		set(s, ZMQ_CURVE_PUBLICKEY, argv[4]);
		set(s, ZMQ_CURVE_SECRETKEY, argv[5]);
		set(s, ZMQ_CURVE_SERVERKEY, argv[6]);
	} else if (strcmp(what, "curve-server") == 0 && argc == 6) {
		check("option", zmq_setsockopt(s, ZMQ_CURVE_SERVER, &on, sizeof(on)));
		set(s, ZMQ_CURVE_SECRETKEY, argv[4]);
	} else {
		die("usage: %s HOW URL plain-client|plain-server|curve-client|curve-server ...", argv[0]);
	}
	set(s, ZMQ_ZAP_DOMAIN, "test");
}

// One frame as a string; more says whether another follows.
static int
frame(void *s, char *text, size_t size)
{
	int more, n = check("recv", zmq_recv(s, text, size - 1, 0));
	size_t len = sizeof(more);
	if (n >= (int) size) {
		die("a frame of %d bytes", n);
	}
	text[n] = '\0';
	check("more", zmq_getsockopt(s, ZMQ_RCVMORE, &more, &len));
	return more;
}

static void
answer_zap(void *zap, char **argv)
{
	char version[16], id[256], domain[256], address[256], identity[256], mechanism[32], first[256], second[256] = "";
	frame(zap, version, sizeof(version));
	frame(zap, id, sizeof(id));
	frame(zap, domain, sizeof(domain));
	frame(zap, address, sizeof(address));
	frame(zap, identity, sizeof(identity));
	frame(zap, mechanism, sizeof(mechanism));
	if (frame(zap, first, sizeof(first))) {
		frame(zap, second, sizeof(second));
	}
	int known;
	if (strcmp(mechanism, "CURVE") == 0) {
		unsigned char key[32];
		if (zmq_z85_decode(key, argv[5]) == NULL) {
			die("not a key: %s", argv[5]);
		}
		known = memcmp(key, first, sizeof(key)) == 0;
	} else {
		known = strcmp(first, argv[4]) == 0 && strcmp(second, argv[5]) == 0;
	}
	const char *reply[] = { version, id, known ? "200" : "400", "", known ? "known" : "", "" };
	for (int i = 0; i < 6; i++) {
		check("send", zmq_send(zap, reply[i], strlen(reply[i]), i < 5 ? ZMQ_SNDMORE : 0));
	}
}

static void
tell_event(void *monitor)
{
	unsigned char event[6];
	char          url[256];
	uint16_t      kind;
	uint32_t      value;
	check("recv", zmq_recv(monitor, event, sizeof(event), 0));
	frame(monitor, url, sizeof(url));
	memcpy(&kind, event, sizeof(kind));
	memcpy(&value, event + sizeof(kind), sizeof(value));
	if (kind == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) {
		printf("refused %u\n", value);
	} else if (kind == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) {
		printf("protocol error %u\n", value);
	}
}

static void
send_back(void *s)
{
	zmq_msg_t m;
	int       more;
	do {
		zmq_msg_init(&m);
		check("recv", zmq_msg_recv(&m, s, 0));
		more = zmq_msg_more(&m);
		check("send", zmq_msg_send(&m, s, more ? ZMQ_SNDMORE : 0));
	} while (more);
}

int
main(int argc, char **argv)
{
	start_peer();
	if (argc < 4) {
		die("usage: %s HOW URL WHAT ...", argv[0]);
	}
	void *context = zmq_ctx_new();
	void *s = open_socket(context, ZMQ_PAIR);
	void *zap = open_socket(context, ZMQ_REP);
	void *monitor = open_socket(context, ZMQ_PAIR);
	secure(s, argc, argv);
	check("zap", zmq_bind(zap, "inproc://zeromq.zap.01"));
	check("monitor", zmq_socket_monitor(s, MONITOR, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL));
	check("monitor", zmq_connect(monitor, MONITOR));
	attach(s, argv[1], argv[2]);
	ready();
	zmq_pollitem_t items[] = { { NULL, STDIN_FILENO, ZMQ_POLLIN, 0 }, { s, 0, ZMQ_POLLIN, 0 }, { zap, 0, ZMQ_POLLIN, 0 },
		{ monitor, 0, ZMQ_POLLIN, 0 } };
	for (;;) {
		check("poll", zmq_poll(items, 4, -1));
		if (items[3].revents != 0) {
			tell_event(monitor);
		}
		if (items[2].revents != 0) {
			answer_zap(zap, argv);
		}
		if (items[1].revents != 0) {
			send_back(s);
		}
		if (items[0].revents != 0) {
			return 0; // without waiting for what the peer does not take
		}
	}
}
