"""Entry point of `python -m localnode`."""

from localnode.cli import main

main(prog_name="python -m localnode")
