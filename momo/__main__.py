"""`python -m momo`."""

from momo.cli import main

main()
