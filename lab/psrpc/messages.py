"""The messages on the wire: psrpc's envelope, and the SIP part of LiveKit's internal API.

Field numbers: psrpc v0.7.2 `internal/internal.proto`; livekit/protocol 28e604c046c6 `rpc/io.proto`, `rpc/sip.proto`.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import any_pb2, duration_pb2  # noqa: F401  (their files must be known before ours)
from livekit.protocol import models, room, sip  # noqa: F401

from lab.psrpc.fields import build

_ENVELOPE = {
    "Msg": "type_url:1:s value:2:y channel:3:s",
    "Request": "request_id:1:s client_id:2:s sent_at:3:i expiry:4:i multi:5:b metadata:7:m raw_request:8:y",
    "Response": "request_id:1:s server_id:2:s sent_at:3:i error:5:s code:6:s raw_response:7:y"
    " error_details:8:*google.protobuf.Any",
    "ClaimRequest": "request_id:1:s server_id:2:s affinity:3:f",
    "ClaimResponse": "request_id:1:s server_id:2:s",
}

_SIP = {
    "SIPCall": "lk_call_id:1:s source_ip:2:s address:3:livekit.SIPUri from:4:livekit.SIPUri to:5:livekit.SIPUri"
    " via:6:*livekit.SIPUri sip_call_id:7:s project_id:8:s features:9:m",
    "GetSIPTrunkAuthenticationRequest": "from:2:s to:3:s src_address:4:s to_host:5:s sip_call_id:6:s from_host:7:s"
    " call:8:rpc.SIPCall",
    "GetSIPTrunkAuthenticationResponse": "username:1:s password:2:s drop:3:b sip_trunk_id:4:s project_id:5:s"
    " provider_info:6:livekit.ProviderInfo error_code:7:e=rpc.SIPTrunkAuthenticationError feature_flags:8:m realm:9:s",
    "EvaluateSIPDispatchRulesRequest": "sip_participant_id:1:s calling_number:2:s called_number:3:s src_address:4:s"
    " pin:5:s no_pin:6:b called_host:7:s sip_call_id:8:s extra_attributes:9:m sip_trunk_id:10:s calling_host:11:s"
    " call:12:rpc.SIPCall",
    "EvaluateSIPDispatchRulesResponse": "room_name:1:s participant_identity:2:s request_pin:3:b token:4:s ws_url:5:s"
    " result:6:e=rpc.SIPDispatchResult participant_name:7:s participant_metadata:8:s sip_trunk_id:9:s"
    " sip_dispatch_rule_id:10:s participant_attributes:11:m project_id:12:s headers:13:m headers_to_attributes:14:m"
    " enabled_features:15:*e=livekit.SIPFeature ringing_timeout:16:google.protobuf.Duration"
    " max_call_duration:17:google.protobuf.Duration attributes_to_headers:18:m"
    " include_headers:19:e=livekit.SIPHeaderOptions room_preset:20:s room_config:21:livekit.RoomConfiguration"
    " media_encryption:22:e=livekit.SIPMediaEncryption feature_flags:23:m media:24:livekit.SIPMediaConfig",
    "InternalCreateSIPParticipantRequest": "address:2:s number:3:s call_to:4:s username:5:s password:6:s room_name:7:s"
    " participant_identity:8:s token:9:s ws_url:10:s dtmf:11:s play_dialtone:12:b sip_call_id:13:s"
    " participant_name:14:s participant_metadata:15:s transport:16:e=livekit.SIPTransport participant_attributes:17:m"
    " project_id:18:s sip_trunk_id:19:s hostname:20:s headers:21:m headers_to_attributes:22:m"
    " ringing_timeout:23:google.protobuf.Duration max_call_duration:24:google.protobuf.Duration"
    " enabled_features:25:*e=livekit.SIPFeature attributes_to_headers:26:m"
    " include_headers:27:e=livekit.SIPHeaderOptions"
    " media_encryption:28:e=livekit.SIPMediaEncryption wait_until_answered:29:b destination_country:30:s"
    " display_name:31:?s destination:32:livekit.Destination feature_flags:33:m media:34:livekit.SIPMediaConfig"
    " sip_request_uri:35:livekit.SIPRequestDest sip_from_header:36:livekit.SIPNamedDest"
    " sip_to_header:37:livekit.SIPNamedDest",
    "InternalCreateSIPParticipantResponse": "participant_id:1:s participant_identity:2:s sip_call_id:3:s",
    "InternalTransferSIPParticipantRequest": "sip_call_id:1:s transfer_to:2:s play_dialtone:3:b headers:4:m"
    " ringing_timeout:5:google.protobuf.Duration feature_flags:6:m",
}
_ENUMS = {
    "SIPDispatchResult": "LEGACY_ACCEPT_OR_PIN ACCEPT REQUEST_PIN REJECT DROP",
    "SIPTrunkAuthenticationError": "AUTH_ERROR_NONE AUTH_QUOTA_EXCEEDED AUTH_NO_TRUNK_FOUND",
}

# The classes are made at run time, so their fields are unknown to a type checker.
ENVELOPE: dict[str, Any] = dict(build("internal", _ENVELOPE, imports=["google/protobuf/any.proto"]))
SIP: dict[str, Any] = dict(
    build(
        "rpc",
        _SIP,
        enums=_ENUMS,
        imports=["google/protobuf/duration.proto", "livekit_models.proto", "livekit_sip.proto", "livekit_room.proto"],
    )
)
ACCEPT, REQUEST_PIN, REJECT, DROP = 1, 2, 3, 4
"""Values of rpc.SIPDispatchResult."""
