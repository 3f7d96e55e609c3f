"""`momo grants`: the least that each process' user needs, printed or carried out."""

# ruff: noqa: PLC0415 - `momo --help` must not pay for what one command runs
from __future__ import annotations

from pathlib import Path

import click

from momo.dlq.terminal import Failure, loaded, loop


@click.group(invoke_without_command=True)
@click.option(
    "--format",
    "which",
    type=click.Choice(["json", "sql", "rabbitmq"]),
    default="json",
    show_default=True,
    help="What each user may do, as data, as statements, or as definitions to import.",
)
@click.pass_context
def grants(context: click.Context, which: str) -> None:
    """Print the least that each process's user needs on the broker and in the databases."""
    if context.invoked_subcommand:
        return
    import msgspec

    from momo.grants import accesses, definitions, statements

    settings = loaded()
    if which == "sql":
        click.echo("".join(f"{statement};\n" for statement in statements(settings)), nl=False)
        return
    found = definitions(settings) if which == "rabbitmq" else {"users": accesses()}
    click.echo(msgspec.json.format(msgspec.json.encode(found)))


@grants.command("apply")
@click.option(
    "--passwords",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="A folder that has a file for each user, named for it, with its password.",
)
def apply_all(folder: Path) -> None:
    """Make the users with their passwords, as the administrators that MOMO_AMQP_MANAGEMENT_URL and MOMO_*_DB_URL name.

    Where they are there already, they get what they lack, and the passwords of the folder.
    """
    from momo.granting.apply import GrantError, apply
    from momo.granting.passwords import PasswordsError, passwords_in

    try:
        passwords = passwords_in(folder)
        loop(apply(loaded(), passwords))
    except (PasswordsError, GrantError) as error:
        raise Failure(" ".join(str(error).split())) from error
    click.echo(f"{len(passwords)} users have what they need: {', '.join(passwords)}")
