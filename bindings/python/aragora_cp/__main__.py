"""The command ``aragora-cp``."""

from __future__ import annotations

import asyncio
import logging
import platform
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from . import ControlPlaneConfig, ControlPlaneError, __version__

app = typer.Typer(
    help="A control plane for fleets of AI agents.", no_args_is_help=True, add_completion=False
)
console = Console()


@app.command()
def version() -> None:
    """The version of the package, and of what runs it."""
    typer.echo(f"aragora-cp {__version__} (Python {platform.python_version()})")


@app.command()
def config(
    all_options: Annotated[bool, typer.Option("--all", help="Limits and retention, too.")] = False,
) -> None:
    """What is effective here, and where each value came from."""
    try:
        options = ControlPlaneConfig.from_environment().options()
    except ControlPlaneError as error:
        typer.echo(f"aragora-cp: {error}", err=True)
        raise typer.Exit(2) from None
    table = Table("option", "value", "default", "from", box=None, header_style="bold")
    for name, value, default, origin in options:
        if all_options or "." not in name:
            table.add_row(name, value, "" if value == default else default, origin)
    console.print(table)


@app.command()
def demo(
    path: Annotated[Path, typer.Argument(help="The checkout to review.")] = Path("."),
    store: Annotated[
        str | None, typer.Option(help="Where the state lives; else as the environment says.")
    ] = None,
) -> None:
    """A fleet reviews a checkout; one agent is killed, one hangs, one lost its tool; nothing is lost."""
    from .demo.run import run

    # What the agents of the demo do wrong it tells by itself.
    logging.getLogger("aragora.control_plane").addHandler(logging.NullHandler())
    try:
        complete = asyncio.run(run(path, store, console))
    except ControlPlaneError as error:
        typer.echo(f"aragora-cp: {error}", err=True)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    raise typer.Exit(0 if complete else 1)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
