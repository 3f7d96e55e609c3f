"""Tests of the sizing model, and the simulation that it is held against."""
