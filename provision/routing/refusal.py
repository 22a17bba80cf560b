"""The error that livekit-server answers a SIP node's question with."""


class ServerRefusedError(Exception):
    """livekit-server answers with an error; livekit-sip then says 503 to the caller.

    `code` is twirp's, or "panic" when the question ends the server. `ids` are the objects that it is about.
    """

    def __init__(self, code: str, message: str, *ids: str) -> None:
        self.code = code
        self.ids = ids
        super().__init__(message)
