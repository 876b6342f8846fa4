# SPDX-License-Identifier: MIT
# Pushes the arguments after the first, which is an address, as a message each. It ends when they are sent.
import sys

import zmq

with zmq.Context() as context, context.socket(zmq.PUSH) as push:
    push.connect(sys.argv[1])
    for message in sys.argv[2:]:
        push.send_string(message)
