"""The questions that a SIP node asks livekit-server about an incoming call (psrpc service IOInfo)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from livekit.protocol import sip

from lab.psrpc.client import PsrpcClient
from lab.psrpc.messages import SIP
from lab.sip.incoming import IncomingCall
from telephony.sip_uri import SipUri


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An incoming call as livekit-server is told of it."""

    call_id: str
    sip_call_id: str
    caller: SipUri
    called: SipUri
    source_ip: str

    def message(self) -> Any:
        """Return it as rpc.SIPCall."""
        call = SIP["SIPCall"](
            lk_call_id=self.call_id,
            sip_call_id=self.sip_call_id,
            source_ip=self.source_ip,
            address=_uri(self.called),
            to=_uri(self.called),
        )
        getattr(call, "from").CopyFrom(_uri(self.caller))
        return call


def question_of(call: IncomingCall, call_id: str) -> Question:
    """Read an INVITE. Raises SipUriError for a From or To that is no SIP URI."""
    return Question(
        call_id=call_id,
        sip_call_id=call.call_id,
        caller=SipUri.parse(_bare(call.remote_uri)),
        called=SipUri.parse(_bare(call.local_uri)),
        source_ip=call.source[0],
    )


async def ask_trunk(io: PsrpcClient, question: Question) -> Any:
    """Ask which trunk a call comes by and what opens it. Raises PsrpcError."""
    request = SIP["GetSIPTrunkAuthenticationRequest"](call=question.message())
    return await io.call("GetSIPTrunkAuthentication", request, SIP["GetSIPTrunkAuthenticationResponse"])


async def ask_dispatch(io: PsrpcClient, question: Question, trunk_id: str) -> Any:
    """Ask where a call goes. Raises PsrpcError.

    A rule's `numbers` and `inbound_numbers` are compared with the older fields only, so both forms are filled.
    """
    request = SIP["EvaluateSIPDispatchRulesRequest"](
        call=question.message(),
        sip_trunk_id=trunk_id,
        calling_number=question.caller.user or "",
        called_number=question.called.user or "",
        calling_host=question.caller.host,
        called_host=question.called.host,
        src_address=question.source_ip,
        sip_call_id=question.call_id,
    )
    return await io.call("EvaluateSIPDispatchRules", request, SIP["EvaluateSIPDispatchRulesResponse"])


def _uri(uri: SipUri) -> sip.SIPUri:
    return sip.SIPUri(user=uri.user or "", host=uri.host, port=uri.port or 0)


def _bare(text: str) -> str:
    return text.split("<", 1)[1].split(">", 1)[0] if "<" in text else text
