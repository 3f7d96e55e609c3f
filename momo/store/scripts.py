"""Migration files as Flyway reads them: names, checksums, statements."""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

_NAME = re.compile(r"V(\d+(?:[._]\d+)*)__([^.]+)\.sql")
_LINE_END = re.compile(r"\r\n|\r|\n")
_TOKEN = re.compile(
    r"""
    '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`]|``)*`   # strings and quoted names
    | --(?=\s|$)[^\n]* | \#[^\n]*                                   # comments to the end of the line
    | /\*(?!!).*?\*/                                                # comments; /*! … */ is code
    | ;
    """,
    re.VERBOSE | re.DOTALL,
)


class MigrationError(Exception):
    """The migrations can't be applied; the text is one line that says what to do."""


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """One `V<version>__<Description>.sql`. `checksum` is Flyway's: a signed 32-bit CRC over the lines."""

    version: str
    description: str
    name: str
    checksum: int
    text: str

    @property
    def order(self) -> tuple[int, ...]:
        """What versions are sorted by: 2 before 10, 1.1 after 1."""
        return order_of(self.version)


def order_of(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def scripts_in(folder: Path) -> list[Script]:
    """The migrations of `folder`, in the order of their versions. Raises MigrationError."""
    if not folder.is_dir():
        raise MigrationError(f"{folder} is no folder; give the one that holds the service's V…__….sql files")
    scripts = sorted((_read(path) for path in folder.iterdir() if path.suffix == ".sql"), key=lambda one: one.order)
    for first, second in itertools.pairwise(scripts):
        if first.order == second.order:
            raise MigrationError(f"{first.name} and {second.name} have the same version: renumber the newer one")
    return scripts


def checksum_of(text: str) -> int:
    """Flyway's checksum: CRC-32 over the lines without their ends, as a signed number."""
    crc = 0
    for line in _LINE_END.split(text.removeprefix("\ufeff")):
        crc = zlib.crc32(line.encode(), crc)
    return crc - (1 << 32) if crc >= 1 << 31 else crc


def statements_in(text: str) -> Iterator[str]:
    """The statements of a script, without the semicolons between them; those in strings and comments separate none."""
    parts: list[str] = []
    end = 0
    for token in _TOKEN.finditer(text):
        parts.append(text[end : token.start()])
        end = token.end()
        if token.group() == ";":
            yield from _statement(parts)
            parts = []
        elif token.group().startswith(("--", "#", "/*")):
            parts.append(" ")
        else:
            parts.append(token.group())
    yield from _statement([*parts, text[end:]])


def _statement(parts: list[str]) -> Iterator[str]:
    if statement := "".join(parts).strip():
        yield statement


def _read(path: Path) -> Script:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise MigrationError(f"{path.name} is no migration's name: call it V<number>__<What_it_does>.sql")
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise MigrationError(
            f"{path.name} is not UTF-8 ({error.reason} at byte {error.start}): save it as UTF-8"
        ) from None
    version = ".".join(str(int(part)) for part in re.split(r"[._]", match[1]))
    return Script(
        version=version,
        description=match[2].replace("_", " "),
        name=path.name,
        checksum=checksum_of(text),
        text=text.removeprefix("\ufeff"),
    )
