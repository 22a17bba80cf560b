"""`python -m lab.gateway --config FILE`: the gateway as a process of its own.

Prints one JSON line when it takes calls. SIGTERM lets the calls finish, SIGINT ends them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from lab.gateway import inbound, outbound
from lab.gateway.config import GatewayConfig, load_config
from lab.gateway.node import Node
from lab.media.clock import MediaClock
from lab.psrpc.bus import Bus
from lab.psrpc.client import PsrpcClient
from lab.psrpc.messages import SIP
from lab.psrpc.server import PsrpcServer
from lab.sip.endpoint import SipEndpoint
from telephony.errors import DialroomError

USER_AGENT = "dialroom-lab"
DRAIN_POLL_S = 0.2


def main() -> int:
    """Serve until a signal; exit 2 for a wrong file, 1 when a port is taken or Redis is away."""
    parser = argparse.ArgumentParser(prog="python -m lab.gateway", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="livekit-sip's configuration file")
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        config = load_config(parser.parse_args().config)
        asyncio.run(_serve(config))
    except DialroomError as error:
        sys.stderr.write(f"lab.gateway: {error}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"lab.gateway: {error.strerror or error}: is the SIP port taken, is Redis there?\n")
        return 1
    return 0


async def _serve(config: GatewayConfig) -> None:
    async with AsyncExitStack() as exits:
        endpoint = SipEndpoint(config.listen_ip, config.sip_port, user_agent=USER_AGENT)
        await exits.enter_async_context(endpoint)
        clock = await exits.enter_async_context(MediaClock())
        bus = await exits.enter_async_context(Bus(f"redis://{config.redis.address}"))
        node = Node(
            config=config,
            endpoint=endpoint,
            clock=clock,
            io=await PsrpcClient(bus, "IOInfo").start(),
            internal=PsrpcServer(bus, "SIPInternal", willing=lambda: not node.draining),
        )
        exits.push_async_callback(node.internal.aclose)
        endpoint.on_invite = lambda call: inbound.take(node, call)
        request = SIP["InternalCreateSIPParticipantRequest"]
        await node.internal.register("CreateSIPParticipant", request, lambda message: outbound.create(node, message))
        address = f"{endpoint.address[0]}:{endpoint.address[1]}"
        sys.stdout.write(json.dumps({"ready": True, "sip": address}) + "\n")
        sys.stdout.flush()
        await _until_stopped(node)


async def _until_stopped(node: Node) -> None:
    stop: asyncio.Queue[int] = asyncio.Queue()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.put_nowait, number)
    if await stop.get() == signal.SIGTERM:
        node.draining = True
        while node.calls and stop.empty():
            await asyncio.sleep(DRAIN_POLL_S)
    await node.hang_up_all()


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    sys.stdout.flush()
    # LiveKit's own threads still run, and the end of an interpreter below them is sometimes a SIGABRT.
    os._exit(code)
