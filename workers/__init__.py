"""Each service's queues, wired to the handlers that answer them."""

from collections.abc import Sequence

from contracts.topology import QUEUES
from workers import meeting, notification, payment, user

SERVICES = {module.service.name: module.service for module in (user, meeting, payment, notification)}


def chosen(names: Sequence[str]) -> tuple[list[str], frozenset[str] | None]:
    """The services that own `names` (services or queues; none means all), and the queues if only some were named.

    Raises ValueError, naming what there is.
    """
    owners = {queue.name: queue.service for queue in QUEUES}
    unknown = [name for name in names if name not in SERVICES and name not in owners]
    if unknown:
        raise ValueError(
            f"{unknown[0]!r} is neither a service ({', '.join(SERVICES)}) nor a queue (`momo topology show`)"
        )
    if not names:
        return list(SERVICES), None
    services = {name if name in SERVICES else owners[name] for name in names}
    queues = {queue.name for queue in QUEUES if queue.name in names or queue.service in names}
    return [name for name in SERVICES if name in services], frozenset(queues)
