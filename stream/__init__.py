"""The second door into the same agent: Vobiz's WebSocket ``<Stream>`` and the webhooks around it (D:xml/stream).

Pages of Vobiz's documentation are named like that: ``D:xml/stream`` is https://www.vobiz.ai/docs/xml/stream.
"""
