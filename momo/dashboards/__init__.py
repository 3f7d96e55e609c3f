"""Grafana's dashboards, put together from the topology; `momo dashboards` writes them as files."""
