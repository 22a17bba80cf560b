"""The transaction layer: gives each message to its transaction, and what begins something new to the core."""

from __future__ import annotations

from collections.abc import Callable

from sipmessage import Request, Response

from lab.sip.message import Address, Malformed, all_values, branch_of, mark_source, parse, response_to, top_via
from lab.sip.timers import Timers
from lab.sip.transaction import (
    ClientKey,
    ClientTransaction,
    OnResponse,
    ServerKey,
    ServerTransaction,
    server_key,
)
from lab.sip.transport import Transport


class TransactionLayer:
    """All transactions of one socket.

    on_request(transaction)   a request that is no repetition, no ACK and no CANCEL.
    on_ack(request)           an ACK for a 2xx.
    """

    def __init__(self, transport: Transport, timers: Timers) -> None:
        self.timers = timers
        self.on_request: Callable[[ServerTransaction], None] | None = None
        self.on_ack: Callable[[Request], None] | None = None
        self._transport = transport
        self._clients: dict[ClientKey, ClientTransaction] = {}
        self._servers: dict[ServerKey, ServerTransaction] = {}
        transport.on_datagram = self.receive

    def send(self, data: bytes, address: Address) -> None:
        """Put a message on the wire."""
        self._transport.send(data, address)

    def forget(self, transaction: ClientTransaction | ServerTransaction) -> None:
        """Drop a transaction that has terminated."""
        if isinstance(transaction, ClientTransaction):
            self._clients.pop(transaction.key, None)
        else:
            self._servers.pop(transaction.key, None)

    def request(
        self,
        request: Request,
        destination: Address,
        *,
        on_response: OnResponse,
        on_timeout: Callable[[], None],
    ) -> ClientTransaction:
        """Begin a client transaction; its topmost Via must carry a fresh branch (CANCEL: that of its INVITE)."""
        transaction = ClientTransaction(self, request, destination, on_response=on_response, on_timeout=on_timeout)
        self._clients[transaction.key] = transaction
        transaction.start()
        return transaction

    def close(self) -> None:
        """End every transaction without a word."""
        for client in list(self._clients.values()):
            client.close()
        for server in list(self._servers.values()):
            server.close()

    def receive(self, data: bytes, source: Address) -> None:
        """Take one datagram."""
        try:
            message = parse(data)
        except Malformed as malformed:
            if malformed.reply:
                self.send(malformed.reply, source)
            return
        if isinstance(message, Response):
            self._receive_response(message, source)
        else:
            mark_source(message, source)
            self._receive_request(message, source)

    def _receive_response(self, response: Response, source: Address) -> None:
        if len(all_values(response, "Via")) > 1:
            return  # section 8.1.3.3: it was meant for somebody else
        transaction = self._clients.get((branch_of(top_via(response)), response.cseq.method))
        if transaction:
            transaction.receive(response, source)

    def _receive_request(self, request: Request, source: Address) -> None:
        transaction = self._servers.get(server_key(request))
        if request.method == "ACK":
            if not (transaction and transaction.receive_ack()) and self.on_ack:
                self.on_ack(request)
        elif transaction:
            transaction.receive_again()
        else:
            transaction = ServerTransaction(self, request, source)
            self._servers[transaction.key] = transaction
            if request.method == "CANCEL":
                self._cancel(transaction)
            elif self.on_request:
                self.on_request(transaction)

    def _cancel(self, cancel: ServerTransaction) -> None:
        """Section 9.2: 200 when the INVITE is known; it has an effect only before the final response."""
        invite = self._servers.get(server_key(cancel.request, "INVITE"))
        known = invite is not None and (invite.on_cancel is not None or invite.state != "proceeding")
        cancel.respond(response_to(cancel.request, 200 if known else 481))
        if invite and invite.state == "proceeding" and invite.on_cancel:
            invite.on_cancel()
