"""Measurements against others, which need packages that MOMO itself does not."""
