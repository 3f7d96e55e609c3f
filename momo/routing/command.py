"""`momo routes`: the table of rules, for people and for balancers."""

# ruff: noqa: PLC0415 - `momo --help` must not pay for what one command runs
from __future__ import annotations

from typing import Literal

import click
from msgspec import json

from momo.dlq.terminal import JSON, Failure
from momo.routing.upstreams import PORT, checked, upstreams


def _listening(_: click.Context, __: click.Parameter, text: str) -> str:
    try:
        checked(text if ":" in text else f"localhost:{text}")
    except ValueError:
        raise Failure(f"nginx can't listen on {text!r}: give PORT or ADDRESS:PORT") from None
    return text


def _asking(_: click.Context, __: click.Parameter, text: str) -> str:
    if text:
        try:
            checked(f"{text}:53")
        except ValueError:
            raise Failure(f"{text!r} is no name server's address") from None
    return text


@click.command()
@click.option(
    "--format",
    "which",
    type=click.Choice(["table", "nginx", "aws-alb"]),
    default="table",
    show_default=True,
    help="For people, a whole nginx.conf, or listener rules of an Application Load Balancer.",
)
@click.option(
    "--upstream",
    "given",
    multiple=True,
    metavar="SERVICE=HOST:PORT,…",
    help=f"Where a service's gateways listen.  [default: <service>-service:{PORT}]",
)
@click.option(
    "--listen", callback=_listening, default=str(PORT), show_default=True, help="PORT or ADDRESS:PORT of nginx."
)
@click.option(
    "--resolver",
    callback=_asking,
    default="",
    metavar="ADDRESS",
    help="Name server that nginx ≥ 1.27.3 asks again when names move.",
)
@JSON
def routes(
    which: Literal["table", "nginx", "aws-alb"], given: tuple[str, ...], listen: str, resolver: str, as_json: bool
) -> None:
    """Print which service answers which addresses, or a balancer's configuration that says so."""
    try:
        found = upstreams(given)
    except ValueError as error:
        raise Failure(str(error)) from error
    if as_json and which != "table":
        raise Failure(f"--json is for the table; --format {which} is printed as it is needed")
    if which == "nginx":
        from momo.routing.nginx import configuration

        click.echo(configuration(found, listen=listen, resolver=resolver), nl=False)
    elif which == "aws-alb":
        from momo.routing.alb import listener

        click.echo(json.format(json.encode(listener())))
    elif as_json:
        from momo.routing.table import as_data

        click.echo(json.encode(as_data(found)))
    else:
        from momo.routing.table import show

        show(found)
