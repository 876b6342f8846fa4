# SPDX-License-Identifier: MIT
# Pulls from an address, the first argument, prints as many messages as the second one says, and ends.
import sys

import zmq

with zmq.Context() as context, context.socket(zmq.PULL) as pull:
    pull.connect(sys.argv[1])
    for _ in range(int(sys.argv[2])):
        print(pull.recv_string(), flush=True)
