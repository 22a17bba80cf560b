"""psrpc over Redis: LiveKit's own RPC between its processes, as a Python process speaks it.

Plain pub/sub. A request is published, servers bid, the caller grants one bid, that server answers.
(github.com/livekit/psrpc v0.7.2; measured against livekit-server 1.13.5.)
"""
