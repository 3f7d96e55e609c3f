"""What the tests of this folder ask of stories."""

from __future__ import annotations

from momo.settings import Settings
from momo.stories.commands import Unknown, read
from momo.stories.hops import Hop, Story
from tests.waiting import eventually

ENDED = ("done", "refused", "failed")


async def settled(settings: Settings, given: str) -> Story:
    """The story of `given`, once nothing of it is on its way any more."""
    found: list[Story] = []

    async def all_done() -> bool:
        try:
            found[:] = [await read(settings, given)]
        except Unknown:
            return False
        return all(hop.state not in ("pending", "retrying") for hop in found[0].hops)

    await eventually(all_done)
    return found[0]


def shape(story: Story) -> list[tuple[int, str, str]]:
    """Depth, queue and state of each hop."""
    return [(hop.depth, hop.queue.removesuffix(".queue"), hop.state) for hop in story.hops]


def only(story: Story, queue: str) -> Hop:
    """The one hop in `queue`."""
    [found] = [hop for hop in story.hops if hop.queue == queue]
    return found


def check_times(story: Story) -> None:
    """Fails unless every hop was sent after its parent was taken, then waited, then worked."""
    for hop in story.hops:
        parent = story.hops[hop.parent] if hop.parent is not None else None
        assert (parent.depth + 1 if parent else 0) == hop.depth
        if hop.state not in ENDED:
            continue
        assert hop.published_at is not None
        assert hop.taken_at is not None
        assert hop.ended_at is not None
        assert story.began_at <= hop.published_at <= hop.taken_at <= hop.ended_at <= story.read_at, hop
        assert 0 <= (hop.waiting_ms or 0) < 30_000, hop
        assert 0 < (hop.working_ms or 0) < 30_000, hop
        if parent and parent.taken_at and not hop.timer:
            # a message says in whole milliseconds when it was published
            assert (hop.published_at - parent.taken_at).total_seconds() > -0.001, hop
