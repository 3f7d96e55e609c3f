"""Measurements that any reader can repeat, on private servers of their own."""
