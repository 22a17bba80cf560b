"""The carrier's half on the wire: calls of the public network, routed by what the account says at that moment.

A call to a number on an inbound trunk becomes a second INVITE to the trunk's destination; a call to a number with an
Application is answered here and does what the Application's XML says.
"""
