"""What a later schema no longer says that an earlier one did: for people who rely on it, though it may be readable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from momo.releases.schemas import Seen, Side, at, entered


def losses(old: Side, new: Side, path: str = "", seen: Seen = frozenset()) -> Iterator[str]:
    """What `new` no longer says that `old` did: fields that are gone and other defaults, a text each."""
    now = entered(old, new, seen)
    if now is None:
        return
    news = new.alternatives()
    for before in old.alternatives():
        alike = [each for each in news if each.schema.get("type") == before.schema.get("type")]
        if len(alike) == 1:
            yield from _lost(before, alike[0], path, now)


def _lost(old: Side, new: Side, path: str, seen: Seen) -> Iterator[str]:
    before, after = old.schema.get("properties", {}), new.schema.get("properties", {})
    added = [name for name in after if name not in before]
    for name, was in before.items():
        if name not in after:
            same = [other for other in added if after[other] == was]
            renamed = f", or is now called {at(path, same[0])}" if len(same) == 1 else ""
            yield f"{at(path, name)} is gone{renamed}"
        else:
            defaults = [msgspec.json.encode(side.get("default", None)).decode() for side in (was, after[name])]
            if "default" in was and "default" in after[name] and defaults[0] != defaults[1]:
                yield f"{at(path, name)} has the default {defaults[1]}, not {defaults[0]}"
            yield from losses(old.of(was), new.of(after[name]), at(path, name), seen)
    places, there = old.schema.get("prefixItems", []), new.schema.get("prefixItems", [])
    yield from (f"{path}[{number}] is gone" for number in range(len(there), len(places)))
    for number, (place, after_it) in enumerate(zip(places, there, strict=False)):
        yield from losses(old.of(place), new.of(after_it), f"{path}[{number}]", seen)
    for word, inside in (("items", f"{path}[]"), ("additionalProperties", f"{path}.*")):
        both = old.schema.get(word), new.schema.get(word)
        if isinstance(both[0], Mapping) and isinstance(both[1], Mapping):
            yield from losses(old.of(both[0]), new.of(both[1]), inside, seen)
