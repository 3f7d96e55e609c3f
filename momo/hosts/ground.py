"""`momo chaos --hosts`: load on a MOMO of five hosts while nodes, hosts and databases are lost."""

from __future__ import annotations

from momo.chaos.load import Size
from momo.chaos.run import Ground
from momo.hosts.faults import FAULTS
from momo.hosts.site import HostsSite, open_hosts

HOSTS: Ground[HostsSite] = Ground(open_hosts, FAULTS, Size(rate=40.0, clients=40, members=60))
