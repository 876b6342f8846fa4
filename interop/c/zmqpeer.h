// SPDX-License-Identifier: MIT
//
// What every peer with libzmq shares.

#ifndef ZMQPEER_H
#define ZMQPEER_H

#include <zmq.h>

#include "common.h"

static inline int
check(const char *what, int rc)
{
	if (rc < 0) {
		die("%s: %s", what, zmq_strerror(zmq_errno()));
	}
	return rc;
}

static inline void *
open_socket(void *context, int type)
{
	void *s = zmq_socket(context, type);
	int   timeout = RECV_TIMEOUT_MS, retry = 50, linger = RECV_TIMEOUT_MS, unlimited = 0;
	if (s == NULL) {
		die("socket: %s", zmq_strerror(zmq_errno()));
	}
	check("option", zmq_setsockopt(s, ZMQ_RCVTIMEO, &timeout, sizeof(timeout)));
	check("option", zmq_setsockopt(s, ZMQ_SNDTIMEO, &timeout, sizeof(timeout)));
	check("option", zmq_setsockopt(s, ZMQ_RECONNECT_IVL, &retry, sizeof(retry)));
	check("option", zmq_setsockopt(s, ZMQ_LINGER, &linger, sizeof(linger)));
	check("option", zmq_setsockopt(s, ZMQ_SNDHWM, &unlimited, sizeof(unlimited)));
	check("option", zmq_setsockopt(s, ZMQ_RCVHWM, &unlimited, sizeof(unlimited)));
	return s;
}

static inline void
attach(void *s, const char *how, const char *url)
{
	if (strcmp(how, "listen") == 0) {
		check(url, zmq_bind(s, url));
	} else if (strcmp(how, "dial") == 0) {
		check(url, zmq_connect(s, url));
	} else {
		die("%s is neither listen nor dial", how);
	}
}

// The socket type of a name, of which there are few here.
static inline int
type_of(const char *name)
{
	static const struct {
		const char *name;
		int         type;
	} types[] = { { "push", ZMQ_PUSH }, { "pull", ZMQ_PULL }, { "pub", ZMQ_PUB }, { "sub", ZMQ_SUB }, { "req", ZMQ_REQ },
		{ "rep", ZMQ_REP }, { "dealer", ZMQ_DEALER }, { "router", ZMQ_ROUTER }, { "pair", ZMQ_PAIR }, { "xpub", ZMQ_XPUB } };
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(name, types[i].name) == 0) {
			return types[i].type;
		}
	}
	die("no socket type %s", name);
}

static inline void
ready(void)
{
	puts("ready");
}

#endif
