# SPDX-License-Identifier: MIT
"""A frontend of Jupyter's own making: has the kernel of a connection file execute code.

Usage: jupyter_frontend.py FILE. It says "ready" at its start, and prints at its end what it saw, as JSON."""

import json
import sys

from jupyter_client.blocking import BlockingKernelClient

PATIENCE = 50

print("ready", flush=True)
client = BlockingKernelClient()
client.load_connection_file(sys.argv[1])
client.start_channels()
client.wait_for_ready(timeout=PATIENCE)
seen = []


def answer(question):
    client.input("an answer to " + question["content"]["prompt"])


def show(message):
    content = message["content"]
    kind = message["header"]["msg_type"]
    if kind == "stream":
        seen.append(content["text"])
    elif kind == "execute_result":
        seen.append(content["data"]["text/plain"])
    elif kind == "error":
        seen.append(content["evalue"])


replies = []
for code in ["hello", "ask", "fail"] + ["again"] * 20:
    reply = client.execute_interactive(code, timeout=PATIENCE, output_hook=show, stdin_hook=answer, allow_stdin=True)
    replies.append(reply["content"]["status"])
alive = client.is_alive()
client.shutdown()
reply = client.get_control_msg(timeout=PATIENCE)
client.stop_channels()
print("seen", json.dumps({"seen": seen, "replies": replies, "alive": alive, "last": reply["header"]["msg_type"]}), flush=True)
