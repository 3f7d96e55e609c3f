"""What a release can't follow fails the check by name; what it can follow passes; an upcast makes the difference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import msgspec
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from contracts.base import Command, Message
from contracts.topology import QUEUES, Queue
from contracts.upcasts import UPCASTS
from momo.cli import main
from momo.releases.check import breaks
from momo.releases.release import FOLDER, Release, ReleaseError, described, last, read, version, write


class Step(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    hours_before: int


class Paint(Command, frozen=True, kw_only=True):
    """The contract that the others are changes of."""

    wall_id: int
    colour: Literal["red", "blue"]
    coats: int = 1
    note: str | None = None
    steps: tuple[Step, ...] = ()


OLD = Paint(wall_id=1, colour="red", note="x", steps=(Step(hours_before=1),))


def queue(contract: type[Message], **other: Any) -> Queue:
    return Queue(**{"key": "wall.paint", "contract": contract, "service": "meeting", **other})


def released(message: Message, queues: Sequence[Queue] = ()) -> Release:
    return described("1.2.3", queues or [queue(type(message))], [message])


def broken(contract: type[Message], old: Message = OLD) -> list[str]:
    """What breaks where `contract` takes the place of the one of `old`."""
    example = msgspec.json.decode(msgspec.json.encode(NEW.get(contract, old)), type=contract)
    return [
        str(each) for each in breaks(released(old), described("now", [queue(contract)], [example]), [queue(contract)])
    ]


def variant(name: str, *, version: int = 1, without: str = "", **fields: Any) -> type[Message]:
    """`Paint` with other or further `fields` (types, or types with defaults)."""
    kept = {field.name: field for field in msgspec.structs.fields(Paint) if field.name != without}
    given = [
        (field.name, field.type) if field.required else (field.name, field.type, field.default)
        for field in kept.values()
        if field.name not in fields
    ]
    made = [(key, *value) if isinstance(value, tuple) else (key, value) for key, value in fields.items()]
    made_of: Any = msgspec.defstruct(
        name,
        [*given, *made],
        bases=(Command,),
        frozen=True,
        kw_only=True,
        namespace={"wire_version": version},
    )
    return cast("type[Message]", made_of)


Same = variant("Paint")
Added = variant("Paint", tool=(str, "brush"))
Needed = variant("Paint", tool=str)
NoDefault = variant("Paint", coats=int)
OtherDefault = variant("Paint", coats=(int, 2))
Gone = variant("Paint", without="note")
Renamed = variant("Paint", without="note", remark=(str | None, None))
Narrowed = variant("Paint", coats=(Annotated[int, msgspec.Meta(le=3)], 1))
Retyped = variant("Paint", wall_id=str)
Widened = variant("Paint", wall_id=float)
MoreValues = variant("Paint", colour=Literal["red", "blue", "green"])
FewerValues = variant("Paint", colour=Literal["red"])
Second = variant("Paint", version=2, without="coats", layers=int)
Third = variant("Paint", version=3, without="coats", layers=int, tool=str)
BODY = msgspec.to_builtins(OLD)
LAYERED = {name: value for name, value in BODY.items() if name != "coats"} | {"layers": 1}
NEW: dict[type[Message], Any] = {
    Needed: BODY | {"tool": "brush"},
    Retyped: BODY | {"wallId": "1"},
    Second: LAYERED,
    Third: LAYERED | {"tool": "brush"},
}
"""Messages of contracts that do not take the old one's."""


def layered(fields: dict[str, Any]) -> dict[str, Any]:
    fields["layers"] = fields.pop("coats", 1)
    return fields


def test_the_contracts_can_be_followed_by_the_last_release() -> None:
    """What `make check` looks at."""
    assert [str(each) for each in breaks(read(last()), described("now"))] == []


def test_there_is_a_release_of_every_queue() -> None:
    told = read(last())
    assert len(told.queues) >= 36
    assert {route.key for route in told.queues.values()} == set(told.contracts)


@pytest.mark.parametrize("contract", [Same, Added], ids=["the same", "an optional field more"])
def test_a_change_that_both_sides_can_read_breaks_nothing(contract: type[Message]) -> None:
    assert broken(contract) == []


@pytest.mark.parametrize(
    ("contract", "says"),
    [
        (Needed, "tool may be missing in what 1.2.3 sends, which is refused now → give it a default"),
        (NoDefault, "coats may be missing in what 1.2.3 sends, which is refused now → give it a default"),
        (OtherDefault, "coats has the default 2, not 1 → keep it"),
        (Gone, "note is gone → keep it"),
        (Renamed, "note is gone, or is now called remark → keep it"),
        (Narrowed, "coats has maximum not set, not 3 in what 1.2.3 sends, which is refused now → take it"),
        (Retyped, "wallId may be integer, not only string in what 1.2.3 sends, which is refused now → take it"),
        (Widened, "wallId may be number, not only integer in what is sent now, which 1.2.3 refuses → set wire_version"),
        (MoreValues, 'colour may be "green" in what is sent now, which 1.2.3 refuses → set wire_version of Paint to 2'),
        (FewerValues, 'colour may be "blue" in what 1.2.3 sends, which is refused now → take it'),
    ],
)
def test_an_incompatible_change_is_named_with_what_to_do(contract: type[Message], says: str) -> None:
    found = broken(contract)
    assert any(each.startswith(f"wall.paint: {says}") for each in found), found
    assert all('write the upcast ("wall.paint", 1)' in each for each in found)


def test_what_is_gone_is_told_once() -> None:
    strict = variant("Paint", without="wall_id")
    assert len(broken(strict)) == 1


def test_a_version_more_needs_an_upcast_and_passes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = broken(Second)
    assert "a message of 1.2.3 is not read: contracts/upcasts.py has no way from version 1 of wall.paint to 2" in first
    assert 'nothing brings version 1 to 2 → write the upcast ("wall.paint", 1)' in second
    monkeypatch.setitem(UPCASTS, ("wall.paint", 1), layered)
    assert broken(Second) == []


def test_an_upcast_that_gives_no_message_of_the_new_version_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UPCASTS, ("wall.paint", 1), lambda fields: fields)
    (found,) = broken(Second)
    assert "Object missing required field `layers`" in found


def test_an_upcast_that_asks_for_an_optional_field_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UPCASTS, ("wall.paint", 1), lambda fields: {**fields, "layers": fields.pop("coats")})
    (found,) = broken(Second)
    assert "version 1 of wall.paint can't be brought to 2: KeyError: 'coats'" in found


def test_the_way_from_the_first_version_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who names no version sends the first, however long ago that was."""
    monkeypatch.setitem(UPCASTS, ("wall.paint", 2), lambda fields: {**fields, "tool": "brush"})
    old = msgspec.convert(LAYERED, Second)
    assert broken(Third, old) == [
        'wall.paint: nothing brings version 1 to 2 → write the upcast ("wall.paint", 1) in contracts/upcasts.py'
    ]
    monkeypatch.setitem(UPCASTS, ("wall.paint", 1), layered)
    assert broken(Third, old) == broken(Third) == []


def test_a_version_does_not_go_back() -> None:
    (found,) = broken(Paint, msgspec.convert(LAYERED, Second))
    assert "version 2 of 1.2.3 is newer than 1 → set wire_version of Paint to 3" in found


def test_an_upcast_that_nothing_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UPCASTS, ("wall.paint", 1), layered)
    assert broken(Same) == ["wall.paint: the upcast from version 1 is never used → take it out of contracts/upcasts.py"]


@pytest.mark.parametrize(
    ("after", "says"),
    [
        ([], "wall.paint.queue: the queue is gone"),
        ([queue(Paint, service="payment")], "wall.paint.queue: payment handles it, not meeting"),
        ([queue(Paint, key="wall.brush")], "wall.paint.queue: the queue is gone"),
    ],
)
def test_a_queue_that_is_gone_or_another_services_is_named(after: list[Queue], says: str) -> None:
    (found,) = breaks(released(OLD), described("now", after, [OLD]), after)
    assert str(found).startswith(says)


def test_a_further_queue_and_a_further_subscriber_break_nothing() -> None:
    after = [queue(Paint), queue(Paint, service="payment", subscriber="payment"), queue(Paint, key="wall.brush")]
    assert breaks(released(OLD), described("now", after, [OLD]), after) == []


def test_a_release_is_kept_as_it_was_and_never_written_over(tmp_path: Path) -> None:
    file = write(released(OLD), tmp_path)
    assert read(file) == released(OLD)
    content = file.read_bytes()
    with pytest.raises(ReleaseError, match="raise the version"):
        write(replace(released(OLD), contracts={}), tmp_path)
    assert file.read_bytes() == content


def test_the_last_release_is_the_one_of_the_highest_version(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="there is no release"):
        last(tmp_path)
    for name in ("0.9.0", "0.10.0", "0.2.10"):
        write(replace(released(OLD), version=name), tmp_path)
    assert last(tmp_path).stem == "0.10.0"


def test_the_command_names_what_breaks_and_exits_1(tmp_path: Path) -> None:
    now = described(version())
    assert CliRunner().invoke(main, ["contracts", "check"]).exit_code == 0
    join = now.contracts["meeting.join"]
    asked = {**now.schemas["JoinMeeting"], "properties": {**now.schemas["JoinMeeting"]["properties"], "seats": {}}}
    earlier = replace(now, version="0.0.1", schemas={**now.schemas, join.name: asked})
    result = CliRunner().invoke(main, ["contracts", "check", "--against", str(write(earlier, tmp_path))])
    assert result.exit_code == 1
    assert result.output.startswith("meeting.join: seats is gone → keep it, or set wire_version of JoinMeeting to 2")
    assert len(result.output.splitlines()) == 1


def test_what_is_no_release_is_one_line_on_stderr(tmp_path: Path) -> None:
    file = tmp_path / "0.0.1.json"
    file.write_text("{}")
    for path in (file, tmp_path / "none.json"):
        result = CliRunner().invoke(main, ["contracts", "check", "--against", str(path)])
        assert result.exit_code == 2
        assert len(result.stderr.splitlines()) == 1


def test_the_version_of_a_release_is_the_projects() -> None:
    assert [int(part) for part in version().split(".")] >= [int(part) for part in last(FOLDER).stem.split(".")]
    assert len({queue.key for queue in QUEUES}) == len(described(version()).contracts)
