"""Files that are made from the topology and committed: where a command writes them anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import click

from momo.dlq.terminal import Failure


def into(usual: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The option `--folder`, which is `usual` unless given."""
    return click.option(
        "--folder",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(usual),
        show_default=True,
        help="Where they are written.",
    )


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Writes each text to its path below `folder`, and says so. Raises Failure where that can't be."""
    try:
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
            click.echo(folder / path)
    except OSError as error:
        raise Failure(f"{error.filename} can't be written: {error.strerror}") from error
