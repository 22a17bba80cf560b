"""What needs no server: firewall rules and costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from commands.inputs import load
from commands.options import DEFAULT_MANIFEST, JsonFlag, ManifestPath
from commands.running import json_text


def firewall(
    form: Annotated[
        Literal["nft", "ufw", "iptables", "aws", "gcp"], typer.Argument(help="For which tool the rules are.")
    ],
    sip_port: Annotated[int, typer.Option(min=1, max=65535, help="Where the SIP node listens, UDP and TCP.")] = 5060,
    tls_port: Annotated[int | None, typer.Option(min=1, max=65535, help="Where it listens for TLS.")] = None,
    rtp: Annotated[str, typer.Option(help="Its range of RTP ports.")] = "10000-20000",
    as_json: JsonFlag = False,
) -> None:
    """Print firewall rules that let in exactly Vobiz's signalling and media addresses.

    Example: dialroom firewall nft | sudo nft -f -
    """
    from provision.firewall.openings import openings
    from provision.firewall.rules import rules

    made = rules(form, openings(sip_port=sip_port, tls_port=tls_port, rtp=rtp))
    if as_json:
        typer.echo(json_text(made.to_dict()))
        return
    typer.echo(made.text, nl=False)
    for note in made.notes:
        typer.echo(note, err=True)


def cost(
    manifest: ManifestPath = DEFAULT_MANIFEST,
    minutes_per_number: Annotated[float | None, typer.Option(help="Minutes of calls per number and month.")] = None,
    calls: Annotated[float | None, typer.Option(help="All calls of a month, instead.")] = None,
    mean_s: Annotated[float, typer.Option(help="Mean length of a call in seconds.")] = 180.0,
    transfers: Annotated[float, typer.Option(min=0, max=1, help="Share of calls with a second leg to a human.")] = 0.0,
    sip_rate: Annotated[float | None, typer.Option(help="INR per minute over SIP; else the manifest's rates.")] = None,
    stream_rate: Annotated[float | None, typer.Option(help="INR per minute over <Stream>.")] = None,
    number_rate: Annotated[float | None, typer.Option(help="INR per number and month.")] = None,
    ai_rate: Annotated[float | None, typer.Option(help="INR per minute of talk for speech and model.")] = None,
    fee: Annotated[float | None, typer.Option(help="INR per month for your own servers.")] = None,
    other_rate: Annotated[float | None, typer.Option(help="INR per minute, all in, of a platform to compare.")] = None,
    other_fee: Annotated[float, typer.Option(help="INR per month of that platform.")] = 0.0,
    plot: Annotated[Path | None, typer.Option(help="Draw cost over volume: NAME.svg or NAME.png.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Reckon what the manifest's numbers cost a month, SIP beside stream, and where another platform is cheaper.

    Example: dialroom cost --minutes-per-number 600 --ai-rate 2.5 --other-rate 6
    """
    from provision.cost.rates import Platform, Rates
    from provision.cost.reckon import count_routes, reckon
    from provision.cost.render import render
    from provision.cost.traffic import traffic

    loaded = load(manifest)
    numbers, written = count_routes(loaded), loaded.rates
    volume = traffic(
        numbers=numbers.total,
        minutes_per_number=minutes_per_number,
        calls=calls,
        mean_s=mean_s,
        transfer_share=transfers,
    )
    prices = Rates(
        sip=written.sip_per_minute if sip_rate is None else sip_rate,
        stream=written.stream_per_minute if stream_rate is None else stream_rate,
        number=written.number_per_month if number_rate is None else number_rate,
        ai_per_minute=written.ai_per_minute if ai_rate is None else ai_rate,
        platform_fee=written.platform_fee if fee is None else fee,
    )
    other = None if other_rate is None else Platform(per_minute=other_rate, fee=other_fee)
    result = reckon(numbers, volume, prices, other)
    typer.echo(json_text(result.to_dict()) if as_json else render(result))
    if plot is not None:
        from provision.cost.plot import write_plot

        write_plot(result, plot)
