// SPDX-License-Identifier: MIT
//
// Helpers of the peers that are linked with libnng.

#ifndef NNGPEER_H
#define NNGPEER_H

#include "common.h"

#include <nng/nng.h>
#include <nng/protocol/bus0/bus.h>
#include <nng/protocol/pair0/pair.h>
#include <nng/protocol/pair1/pair.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <nng/protocol/survey0/respond.h>
#include <nng/protocol/survey0/survey.h>
#include <nng/supplemental/util/platform.h>

static inline void
check(const char *what, int rv)
{
	if (rv != 0) {
		die("%s: %s", what, nng_strerror(rv));
	}
}

static nng_mtx *pipes_mtx;
static nng_cv  *pipes_cv;
static int      pipes;

static inline void
pipe_event(nng_pipe p, nng_pipe_ev ev, void *arg)
{
	(void) p;
	(void) arg;
	nng_mtx_lock(pipes_mtx);
	pipes += ev == NNG_PIPE_EV_ADD_POST ? 1 : -1;
	nng_cv_wake(pipes_cv);
	nng_mtx_unlock(pipes_mtx);
}

// prepare sets what every socket needs: no limit of size, a bound on waiting, and a count of pipes.
static inline void
prepare(nng_socket s)
{
	check("recv-size-max", nng_socket_set_size(s, NNG_OPT_RECVMAXSZ, 0));
	check("reconnect-time-min", nng_socket_set_ms(s, NNG_OPT_RECONNMINT, 50));
	check("recv-timeout", nng_socket_set_ms(s, NNG_OPT_RECVTIMEO, RECV_TIMEOUT_MS));
	check("send-timeout", nng_socket_set_ms(s, NNG_OPT_SENDTIMEO, RECV_TIMEOUT_MS));
	check("mutex", nng_mtx_alloc(&pipes_mtx));
	check("condition", nng_cv_alloc(&pipes_cv, pipes_mtx));
	check("notify", nng_pipe_notify(s, NNG_PIPE_EV_ADD_POST, pipe_event, NULL));
	check("notify", nng_pipe_notify(s, NNG_PIPE_EV_REM_POST, pipe_event, NULL));
}

// attach_one listens or dials.
static inline void
attach_one(nng_socket s, const char *how, const char *url)
{
	if (strcmp(how, "listen") == 0) {
		check(url, nng_listen(s, url, NULL, 0));
	} else if (strcmp(how, "dial") == 0) {
		check(url, nng_dial(s, url, NULL, NNG_FLAG_NONBLOCK));
	} else {
		die("%s is neither listen nor dial", how);
	}
}

// attach listens at or dials every URL of a list with commas.
static inline void
attach(nng_socket s, const char *how, const char *urls)
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

static inline void
wait_pipes(int n)
{
	nng_mtx_lock(pipes_mtx);
	while (pipes < n) {
		nng_cv_wait(pipes_cv);
	}
	nng_mtx_unlock(pipes_mtx);
}

static inline nng_msg *
text_message(const char *text)
{
	nng_msg *m;
	check("alloc", nng_msg_alloc(&m, 0));
	check("append", nng_msg_append(m, text, strlen(text)));
	return m;
}

// A context's blocking calls: libnng 1.5 has none of its own for messages.
static inline void
ctx_send(nng_ctx ctx, nng_msg *m)
{
	nng_aio *aio;
	check("aio", nng_aio_alloc(&aio, NULL, NULL));
	nng_aio_set_timeout(aio, RECV_TIMEOUT_MS);
	nng_aio_set_msg(aio, m);
	nng_ctx_send(ctx, aio);
	nng_aio_wait(aio);
	check("send", nng_aio_result(aio));
	nng_aio_free(aio);
}

static inline nng_msg *
ctx_recv(nng_ctx ctx)
{
	nng_aio *aio;
	nng_msg *m;
	check("aio", nng_aio_alloc(&aio, NULL, NULL));
	nng_aio_set_timeout(aio, RECV_TIMEOUT_MS);
	nng_ctx_recv(ctx, aio);
	nng_aio_wait(aio);
	check("recv", nng_aio_result(aio));
	m = nng_aio_get_msg(aio);
	nng_aio_free(aio);
	return m;
}

#endif
