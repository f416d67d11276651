"""`outring dnc`."""

from __future__ import annotations

import click

from app.cli.remote import Remote, ask, path_part
from app.cli.shell import fail, json_option, say_json, settings
from app.cli.shell import run_async as run_here
from app.contacts.numbers import NumberProblem, country, reader_for
from app.store import SqlStore, StoreError
from app.store.dnc import is_dnc
from app.units import Number, number

country_option = click.option("--country", default="", help="How numbers without a country code are read: GB, US, RU.")


@click.group()
def dnc() -> None:
    """The do-not-call list: numbers that no campaign ever calls."""


@dnc.command("add")
@click.argument("numbers", nargs=-1, required=True)
@country_option
@json_option
def add(numbers: tuple[str, ...], country: str, as_json: bool) -> None:
    """Put NUMBERS on the list of the running dialer; when it answers, no call to them starts any more."""

    found = [_read(text, country) for text in numbers]

    async def add_all(remote: Remote) -> list[object]:
        return [await remote.post("/dnc", {"number": one}) for one in found]

    added = ask(add_all)
    if as_json:
        say_json(added)
    else:
        click.echo(f"{len(added)} on the do-not-call list")


@dnc.command("remove")
@click.argument("wanted", metavar="NUMBER")
@country_option
def remove(wanted: str, country: str) -> None:
    """Take NUMBER off the list, where it was put by mistake."""
    found = _read(wanted, country)
    ask(lambda remote: remote.delete(f"/dnc/{path_part(found)}"))
    click.echo(f"{found} may be called again")


@dnc.command("list")
@click.option("--after", default="", help="Begin after this number.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=100, show_default=True)
@json_option
def list_numbers(after: str, limit: int, as_json: bool) -> None:
    """Numbers on the list, in their order."""
    found = ask(lambda remote: remote.get("/dnc", after=after, limit=limit))
    if as_json:
        say_json(found)
        return
    for one in found:
        click.echo(f"{one['number']}\t{one['source']}")
    if len(found) == limit:
        click.echo(f"… more: --after {found[-1]['number']}", err=True)


@dnc.command("check")
@click.argument("wanted", metavar="NUMBER")
@country_option
@json_option
def check(wanted: str, country: str, as_json: bool) -> None:
    """Whether NUMBER is on the list: exit code 0 when it is, 1 when it may be called. Needs no running dialer."""
    found = _read(wanted, country)
    is_listed = run_here(_is_listed(found))
    if as_json:
        say_json({"number": found, "do_not_call": is_listed})
    else:
        click.echo(f"{found} is {'' if is_listed else 'not '}on the do-not-call list")
    if not is_listed:
        raise SystemExit(1)


async def _is_listed(wanted: Number) -> bool:
    try:
        async with await SqlStore.open(settings().database_url) as store:
            return await store.read(is_dnc, wanted)
    except StoreError as error:
        fail(str(error))


def _read(text: str, country_code: str) -> Number:
    """A number as people write it, or the end."""
    try:
        found = reader_for(country(country_code)).read(text) if country_code else number(text)
    except ValueError as error:
        fail(str(error) + ("" if country_code else "; written otherwise, it needs --country"), code=2)
    if isinstance(found, NumberProblem):
        fail(f"{found.why}, found {found.found!r}; {found.mend}", code=2)
    return found
