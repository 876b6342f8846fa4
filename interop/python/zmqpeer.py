# SPDX-License-Identifier: MIT
"""A libzmq peer that does what it is told.

Each line of standard input is a JSON object with an "op" and its arguments. Each is answered, in order, by a line with
its number and a JSON value; "error" in that says what went wrong. After {"op": "reset"}, which closes everything, it is as if
it had just been started, and says so: "ready". It ends with its standard input.

Frames are written as
    x:HEX              these bytes
    r:SIZE:SEED        byte k is k * SEED
    n:SIZE:I           message I of a run: byte k is I + k * 7, and the first four are I
and those received as x:HEX if they are short, else as s:SIZE:SHA256.
"""

import hashlib
import json
import struct
import sys
import time

import zmq
import zmq.utils.monitor

PATIENCE_MS = 55_000
SHORT = 64

context = None
sockets = {}
monitors = {}
authenticators = []


def expand(frame):
    kind, _, rest = frame.partition(":")
    if kind == "x":
        return bytes.fromhex(rest)
    size, number = (int(n) for n in rest.split(":"))
    if kind == "r":
        period = bytes(k * number & 255 for k in range(256))
        return (period * (size // 256 + 1))[:size]
    return numbered(size, number)


def numbered(size, i):
    period = bytes(i + k * 7 & 255 for k in range(256))
    body = (period * (size // 256 + 1))[:size]
    return struct.pack(">I", i) + body[4:] if size >= 4 else body


def describe(frame):
    if len(frame) <= SHORT:
        return "x:" + frame.hex()
    return "s:%d:%s" % (len(frame), hashlib.sha256(frame).hexdigest())


def option(value):
    if isinstance(value, str):
        return expand(value) if value[:2] == "x:" else value.encode()
    return value


def do_open(socket, type, options=None, monitored=False):
    s = context.socket(getattr(zmq, type))
    s.linger = PATIENCE_MS
    s.reconnect_ivl = 20
    s.sndhwm = s.rcvhwm = 0
    s.rcvtimeo = s.sndtimeo = PATIENCE_MS
    for name, value in (options or {}).items():
        s.setsockopt(getattr(zmq, name), option(value))
    sockets[socket] = s
    if monitored:
        monitors[socket] = s.get_monitor_socket()


def do_bind(socket, url):
    """Binds, as soon as a socket that was closed before has left the address, which takes a moment."""
    for _ in range(PATIENCE_MS):
        try:
            sockets[socket].bind(url)
            return
        except zmq.ZMQError as e:
            if e.errno != zmq.EADDRINUSE:
                raise
        time.sleep(0.001)


def do_unbind(socket, url):
    sockets[socket].unbind(url)


def do_connect(socket, url):
    sockets[socket].connect(url)


def do_close(socket, linger=0):
    sockets.pop(socket).close(linger)


def do_subscribe(socket, topics=(), count=0, prefix=""):
    """Subscribes to topics, and to prefix followed by each number below count."""
    s = sockets[socket]
    for topic in list(topics) + ["%s%d." % (prefix, i) for i in range(count)]:
        if s.type == zmq.XSUB:
            s.send(b"\1" + topic.encode())
        else:
            s.subscribe(topic)


def do_send(socket, frames):
    sockets[socket].send_multipart([expand(f) for f in frames])


def do_recv(socket, count=1):
    return [[describe(f) for f in sockets[socket].recv_multipart()] for _ in range(count)]


def do_waiting(socket, ms):
    """Says whether something comes within ms."""
    return bool(sockets[socket].poll(ms))


def do_echo(socket, count=1):
    s = sockets[socket]
    for _ in range(count):
        s.send_multipart(s.recv_multipart())


def do_sendmany(socket, count, size, first=0):
    s = sockets[socket]
    for i in range(first, first + count):
        s.send(numbered(size, i))


def do_sendlines(socket, lines):
    for line in lines:
        sockets[socket].send(line.encode())


def do_sendtopics(socket, count, prefix):
    s = sockets[socket]
    for i in range(count):
        s.send(b"%s%d." % (prefix.encode(), i))


def do_recvids(socket, count=0, until=None, quiet_ms=0):
    """Receives count numbered messages, or as many as come until the one with a number, or until none comes for a while, and
    returns their numbers."""
    s, ids = sockets[socket], []
    while not count or len(ids) < count:
        if quiet_ms and not s.poll(quiet_ms):
            break
        i = struct.unpack(">I", s.recv()[:4])[0]
        if i == until:
            break
        ids.append(i)
    return ids


def do_recvlines(socket, last):
    """Receives until the line that is the last one, and returns them all."""
    lines = []
    while not lines or lines[-1] != last:
        lines.append(sockets[socket].recv().decode())
    return lines


def do_recvtopics(socket, count):
    """Receives count messages and says how many different ones there were."""
    s = sockets[socket]
    return len({s.recv() for _ in range(count)})


def do_ask(socket, count, size, first=0, retry_ms=0):
    """Asks numbered questions, one after the other, each again after retry_ms, until its echo comes. Returns how many were
    asked again. The socket needs REQ_RELAXED and REQ_CORRELATE for that."""
    s, again = sockets[socket], 0
    for i in range(first, first + count):
        question = numbered(size, i)
        s.send(question)
        while retry_ms and not s.poll(retry_ms):
            again += 1
            s.send(question)
        if s.recv() != question:
            raise ValueError("answer %d is not the question" % i)
    return again


def do_event(socket, name):
    """Waits for an event of the socket's monitor."""
    wanted = getattr(zmq, "EVENT_" + name)
    m = monitors[socket]
    while m.poll(PATIENCE_MS):
        event = zmq.utils.monitor.recv_monitor_message(m)
        if event["event"] == wanted:
            return event["value"]
    raise TimeoutError("no event " + name)


def do_authenticate(passwords=None, keys=None):
    """Lets in, from now on, who knows a password, or has one of these CURVE keys."""
    import zmq.auth.thread

    a = zmq.auth.thread.ThreadAuthenticator(context)
    a.start()
    if passwords is not None:
        a.configure_plain(domain="*", passwords=passwords)
    if keys is not None:

        class Known:
            def callback(self, domain, key):
                return key.decode() in keys

        a.configure_curve_callback(domain="*", credentials_provider=Known())
    authenticators.append(a)


def reset():
    """Ends the context with all that is in it, and makes another."""
    global context
    while authenticators:
        authenticators.pop().stop()
    if context:
        context.destroy(linger=0)
    sockets.clear()
    monitors.clear()
    context = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 1000)


def main():
    n = 0
    reset()
    print("ready", flush=True)
    for line in sys.stdin:
        call = json.loads(line)
        op = call.pop("op")
        if op == "reset":
            n = 0
            reset()
            print("ready", flush=True)
            continue
        try:
            result = globals()["do_" + op](**call)
        except Exception as e:  # whatever it was, the test is told and decides
            result = {"error": "%s: %s" % (type(e).__name__, e)}
        print(n, json.dumps(result), flush=True)
        n += 1
    reset()


main()
