"""Where a call to a number would go, without making one: the carrier, livekit-sip and livekit-server, imitated.

`route.route` is pure and judges a `world.World`; `live.route_test` reads the world from the servers.
"""
