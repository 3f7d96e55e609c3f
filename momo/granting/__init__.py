"""Carrying out on the servers what `momo.grants` says: `momo grants`."""
