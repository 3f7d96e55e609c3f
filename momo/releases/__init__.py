"""Releases: the contracts as a release wrote and read them, and what a change to them breaks."""
