// SPDX-License-Identifier: MIT

package nngcat

const help = `nngcat (the spry command) exchanges messages with Scalability Protocols sockets.

  nngcat --pull0 --listen tcp://127.0.0.1:5555 --quoted
  nngcat --push0 --dial tcp://127.0.0.1:5555 --data hello
  nngcat --rep0 -L 5555 --data world --ascii
  nngcat --req0 -l 5555 --data hello --ascii

Usage: nngcat PROTOCOL ADDRESS... [OPTION...]

Names may be cut short where that leaves no doubt; values stand after a space, = or :.

Protocol, one of:
  --push0 --pull0 --pub0 --sub0 --req0 --rep0 --surveyor0 --respondent0 --bus0
  --pair0 --pair1, and --pair, which is pair1, or pair0 with --compat

Addresses, one or more of:
  --dial URL, --connect URL        --listen URL, --bind URL
  -l, --connect-local PORT         -L, --bind-local PORT      (tcp on 127.0.0.1)
  -x, --connect-ipc PATH           -X, --bind-ipc PATH

What to send, or to answer on rep and respondent:
  -D, --data TEXT                  -F, --file PATH            (- is standard input)

How to print what is received (nothing by default):
  --format no|raw|ascii|quoted|hex|msgpack, or --raw, -A, --ascii, -Q, --quoted, --hex, --msgpack

Other options:
  --subscribe TOPIC                with --sub0, any number; all messages by default
  -C, --count N                    end after N messages
  -i, --interval SECONDS           send again and again
  -d, --delay SECONDS              before the first message
  --recv-timeout SECONDS, --send-timeout SECONDS
  -Z, --recv-maxsz BYTES           0 is the largest possible
  --async                          do not wait for the first connection
  --compat                         behave like nanocat: pair is pair0, and --async
  -k, --insecure                   DANGEROUS: do not verify the peer's certificate
  --cacert FILE, -E, --cert FILE, --key FILE
  --socket-name NAME, --zt-home DIR   ignored
  -v, --verbose   -q, --silent   -h, --help   -V, --version
`
