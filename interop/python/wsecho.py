# SPDX-License-Identifier: MIT
"""wsecho.py dial|listen URL SUBPROTOCOL [CA CERTIFICATE KEY]

Sends messages back by the module websockets. ../websocket/echo_test.go describes the commands among them. It prints "ready",
and for each connection its number and the status with which it ended.
"""

import asyncio
import ssl
import sys
import urllib.parse

import websockets

PIECE = 1000
RETRY_SECONDS = 0.02
NO_STATUS = 1006

begun = 0


async def send(ws, body, fragmented):
    if fragmented and len(body) > PIECE:
        await ws.send([body[i : i + PIECE] for i in range(0, len(body), PIECE)])
    else:
        await ws.send(body)


async def obey(ws, body, fragmented):
    verb, _, operand = body.partition(b" ")
    if verb == b"!ping":
        await (await ws.ping())
        await ws.send(b"pong")
    elif verb == b"!text":
        await ws.send("text")
    elif verb == b"!send":
        await send(ws, bytes(int(operand)), fragmented)
    elif verb == b"!close":
        await ws.close(int(operand), "as told")
    else:
        await send(ws, body, fragmented)


async def converse(ws):
    global begun
    begun += 1
    n = begun
    try:
        while True:
            await obey(ws, await ws.recv(), n % 2 == 0)
    except websockets.ConnectionClosed as e:
        print(n, "closed", e.rcvd.code if e.rcvd else NO_STATUS, flush=True)


async def main():
    how, url, subprotocol, *files = sys.argv[1:]
    at = urllib.parse.urlsplit(url)
    options = {"subprotocols": [subprotocol], "max_size": None, "ping_interval": None}
    if files:
        listening = how == "listen"
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH if listening else ssl.Purpose.SERVER_AUTH)
        if listening:
            context.load_cert_chain(files[1], files[2])
        else:
            context.load_verify_locations(files[0])
        options["ssl"] = context
    if how == "listen":
        async with websockets.serve(converse, at.hostname, at.port, **options):
            print("ready", flush=True)
            await asyncio.Future()
    print("ready", flush=True)
    while True:
        try:
            async with websockets.connect(url, **options) as ws:
                await converse(ws)
        except (OSError, websockets.WebSocketException, asyncio.TimeoutError):
            pass
        await asyncio.sleep(RETRY_SECONDS)


asyncio.run(main())
