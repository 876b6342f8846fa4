// SPDX-License-Identifier: MIT
//
// Helpers of the peers that are linked with libnanomsg.

#ifndef NNPEER_H
#define NNPEER_H

#include "common.h"

#include <nanomsg/bus.h>
#include <nanomsg/nn.h>
#include <nanomsg/pair.h>
#include <nanomsg/pipeline.h>
#include <nanomsg/pubsub.h>
#include <nanomsg/reqrep.h>
#include <nanomsg/survey.h>

static inline int
check(const char *what, int rc)
{
	if (rc < 0) {
		die("%s: %s", what, nn_strerror(nn_errno()));
	}
	return rc;
}

static inline void
set_int(int s, int level, int option, int value)
{
	check("option", nn_setsockopt(s, level, option, &value, sizeof(value)));
}

static inline int
open_socket(int domain, int protocol)
{
	int s = check("socket", nn_socket(domain, protocol));
	set_int(s, NN_SOL_SOCKET, NN_RCVMAXSIZE, -1);
	set_int(s, NN_SOL_SOCKET, NN_RECONNECT_IVL, 50);
	if (domain == AF_SP) {
		set_int(s, NN_SOL_SOCKET, NN_RCVTIMEO, RECV_TIMEOUT_MS);
		set_int(s, NN_SOL_SOCKET, NN_SNDTIMEO, RECV_TIMEOUT_MS);
	}
	return s;
}

// attach_one listens or dials.
static inline void
attach_one(int s, const char *how, const char *url)
{
	if (strcmp(how, "listen") == 0) {
		check(url, nn_bind(s, url));
	} else if (strcmp(how, "dial") == 0) {
		check(url, nn_connect(s, url));
	} else {
		die("%s is neither listen nor dial", how);
	}
}

// attach listens at or dials every URL of a list with commas.
static inline void
attach(int s, const char *how, const char *urls)
{
	char *list = strdup(urls), *rest = list, *url;
	while ((url = strsep(&rest, ",")) != NULL) {
		attach_one(s, how, url);
	}
	free(list);
}

static inline void
ready(void)
{
	puts("ready");
}

// Waits until that many connections are up.
static inline void
wait_pipes(int s, int n)
{
	while (nn_get_statistic(s, NN_STAT_CURRENT_CONNECTIONS) < (uint64_t) n) {
		usleep(5000); // the library tells of connections in no other way
	}
}

#endif
