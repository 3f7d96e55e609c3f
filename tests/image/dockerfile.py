"""compose/Dockerfile as its stages and their instructions."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "compose" / "Dockerfile"


class Stage(NamedTuple):
    """`base` is what its FROM names; instructions are words and the rest of the line."""

    name: str
    base: str
    instructions: list[tuple[str, str]]

    def all(self, word: str) -> list[str]:
        """The rests of the lines that begin with `word`."""
        return [rest for found, rest in self.instructions if found == word]

    def argv(self, word: str) -> list[str]:
        """The last such line, which must be in exec form: a JSON list at its end."""
        line = self.all(word)[-1]
        words: list[str] = json.loads(line[line.index("[") :])
        return words


def lines(text: str) -> list[tuple[str, str]]:
    """Instructions, with their continued lines joined."""
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", "", kept).splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined if line)]


def stages() -> dict[str, Stage]:
    """By name, in their order; what stands before the first is in the stage called ''."""
    found = {"": Stage("", "", [])}
    last = found[""]
    for word, rest in lines(DOCKERFILE.read_text()):
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            last = found[name] = Stage(name, base, [])
        else:
            last.instructions.append((word, rest))
    return found
