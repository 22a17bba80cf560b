"""The calls of an endpoint: what both directions share, and each direction's own part."""

from lab.sip.digest import AuthVerdict
from lab.sip.errors import CallOver, CallRejected, SipError
from lab.sip.incoming import IncomingCall
from lab.sip.leg import Call, CallState, EndReason
from lab.sip.outgoing import OutgoingCall, Progress
from lab.sip.referral import ReceivedRefer, Referral

__all__ = [
    "AuthVerdict",
    "Call",
    "CallOver",
    "CallRejected",
    "CallState",
    "EndReason",
    "IncomingCall",
    "OutgoingCall",
    "Progress",
    "ReceivedRefer",
    "Referral",
    "SipError",
]
