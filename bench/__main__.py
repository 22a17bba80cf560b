"""`python -m bench`: voice to voice and call set-up on the wire, beside two control arms in the same run.

Models of 0 ms behind the stand-ins, an oracle instead of recognition: what is measured is everything else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

from bench.run import Plan, measure
from telephony.errors import DialroomError


def main() -> int:
    """Measure and print; 1 when a goal is missed or the run is void, 130 after Ctrl-C."""
    arguments = _arguments()
    plan = Plan(calls=arguments.calls, turns=arguments.turns, gateway=arguments.gateway)
    try:
        report = asyncio.run(measure(plan, say=lambda line: print(line, flush=True)))
    except DialroomError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    print(report.text())
    if arguments.json:
        arguments.json.write_text(json.dumps(report.to_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf8")
    return 0 if report.passed else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--calls", type=_at_least(1), default=20, help="per arm")
    parser.add_argument("--turns", type=_at_least(2), default=8, help="per call; the first is dropped")
    parser.add_argument("--gateway", choices=["auto", "lab", "livekit-sip"], default="auto")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    return parser.parse_args()


def _at_least(least: int) -> Callable[[str], int]:
    def count(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"a whole number from {least} up, not {text!r}")
        return int(text)

    return count


if __name__ == "__main__":
    sys.exit(main())
