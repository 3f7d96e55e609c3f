"""`momo trace`: one request's story on the command line."""

# ruff: noqa: PLC0415 - `momo --help` must not pay for what one command runs
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from momo.dlq.terminal import FOLDER, JSON, Failure, answer, loop, settings_of

if TYPE_CHECKING:
    from momo.settings import Settings
    from momo.stories.hops import Story


class Unknown(Failure):
    """No story has such an id: one line on stderr, and exit 1."""

    exit_code = 1


@click.command()
@click.argument("id")
@FOLDER
@JSON
@click.pass_context
def trace(context: click.Context, id: str, folder: Path | None, as_json: bool) -> None:  # noqa: A002 - the usage's name
    """Print the whole story of a request: ID is its command's, its correlation id, or any message's in it."""
    from momo.stories.drawing import draw

    context.obj = folder
    answer(loop(read(settings_of(), id)), draw, as_json)


async def read(settings: Settings, given: str) -> Story:
    """The story of `given`. Raises Unknown, or Failure where not everybody could be asked."""
    from momo.settings import DATABASES
    from momo.store.pool import Pool
    from momo.stories.letters import Letters
    from momo.stories.reading import Reading

    urls = {settings.db_url(service): Pool(settings.db_url(service), size=1) for service in DATABASES}
    reading = Reading({service: urls[settings.db_url(service)] for service in DATABASES}, Letters(settings.amqp_url))
    try:
        story = await reading.story(given)
    finally:
        for pool in urls.values():
            await pool.stop()
    if story is not None:
        return story
    if reading.away:
        raise Failure(f"nothing is known of {given!r}, but not all was asked: {', '.join(reading.away)}")
    raise Unknown(f"nothing is known of {given!r}: never sent, not handled yet, or handled more than 14 days ago")
