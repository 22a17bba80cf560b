"""The numbers of the carrier account from the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.inputs import carrier_settings
from commands.options import GROUP_SETTINGS, JsonFlag, NumberArgument, YesFlag
from commands.running import json_text, run

numbers_app = typer.Typer(
    help="The numbers of the Vobiz account: list, search, buy, release. Nothing else ever buys.", **GROUP_SETTINGS
)


@numbers_app.command("list")
def numbers_list(as_json: JsonFlag = False) -> None:
    """Show the account's numbers: what each hangs on, what keeps it from taking calls, what it costs."""
    from provision.number_stock.render import render_owned
    from provision.number_stock.run import list_numbers

    owned = run(list_numbers(carrier_settings()))
    typer.echo(json_text({"numbers": [number.to_dict() for number in owned]}) if as_json else render_owned(owned))


@numbers_app.command("search")
def numbers_search(
    prefix: Annotated[str, typer.Option(help="How the number begins: 80, 080 or +9180.")] = "",
    contains: Annotated[str, typer.Option(help="Digits anywhere in it.")] = "",
    area: Annotated[str, typer.Option(help="A region or city, e.g. Karnataka or Mumbai.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Show so many at most.")] = 25,
    as_json: JsonFlag = False,
) -> None:
    """Show numbers for sale, with their prices. Example: dialroom numbers search --area Bengaluru --contains 777."""
    from provision.number_stock.render import render_found
    from provision.number_stock.run import search_numbers
    from provision.number_stock.wanted import Wanted

    wanted = Wanted(prefix=prefix, contains=contains, area=area)
    found = run(search_numbers(wanted, carrier_settings(), limit=limit))
    typer.echo(json_text(found.to_dict()) if as_json else render_found(found))


@numbers_app.command("buy")
def numbers_buy(number: NumberArgument, yes: YesFlag = False, as_json: JsonFlag = False) -> None:
    """Show the price, ask, and buy one number. It is sent once; after a lost answer the account is read."""
    from provision.number_stock.consent import consent
    from provision.number_stock.render import buying_question, render_bought
    from provision.number_stock.run import buy_number, find_offer

    settings = carrier_settings()
    offer = run(find_offer(number, settings))
    if not consent(buying_question(offer), yes=yes):
        raise typer.Exit(1)
    bought = run(buy_number(offer, settings))
    typer.echo(json_text(bought.to_dict()) if as_json else render_bought(bought))


@numbers_app.command("release")
def numbers_release(
    number: NumberArgument,
    immediate: Annotated[bool, typer.Option("--immediate", help="Do not wait 24 hours.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Although its calls still go somewhere.")] = False,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Say what it costs, ask, and give one number back. Refused while the number has a route."""
    from provision.number_stock.consent import consent
    from provision.number_stock.render import releasing_question, render_released
    from provision.number_stock.run import find_owned, release_number

    settings = carrier_settings()
    owned = run(find_owned(number, settings, force=force))
    if not consent(releasing_question(owned, immediate=immediate), yes=yes):
        raise typer.Exit(1)
    released = run(release_number(owned, settings, immediate=immediate, force=force))
    typer.echo(json_text(released.to_dict()) if as_json else render_released(released))
