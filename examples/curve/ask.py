# SPDX-License-Identifier: MIT
# Asks the service as a client of pyzmq does: ask.py KEYS NAME ADDRESS
import sys

import zmq
import zmq.auth

keys, name, address = sys.argv[1:]
with zmq.Context() as context, context.socket(zmq.REQ) as req:
    req.curve_publickey, req.curve_secretkey = zmq.auth.load_certificate(f"{keys}/{name}_secret")
    req.curve_serverkey, _ = zmq.auth.load_certificate(f"{keys}/server")
    req.connect(address)
    req.send_string("who am I?")
    print("pyzmq:", req.recv_string())
