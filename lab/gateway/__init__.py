"""The lab's SIP node: SIP and RTP on one side, a LiveKit room on the other, psrpc to the real livekit-server.

It plays livekit-sip's part as far as the tests of this repository look, and no further. It is never offered for
production. docs/gateway.md lists where it is known to differ.
"""
