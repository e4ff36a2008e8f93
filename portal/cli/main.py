"""The command ``shuniu``: a file ``portal/cli/<name>.py`` with a click command ``command`` is ``shuniu <name>``."""

import sys
from importlib import import_module
from pkgutil import iter_modules

import click

import portal.cli
from adapters.errors import ShuniuError


class Commands(click.Group):
    """Finds commands by file name and loads only the one that is called, so that a step starts quickly."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, in order."""
        return sorted(
            module.name.replace("_", "-") for module in iter_modules(portal.cli.__path__) if module.name != "main"
        )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name not in self.list_commands(ctx):
            return None
        loaded: click.Command | None = getattr(
            import_module(f"portal.cli.{cmd_name.replace('-', '_')}"), "command", None
        )
        return loaded


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="shuniu")
def shuniu() -> None:
    """A city's data hub. Settings come from the environment; see docs/operations.md."""


def main() -> None:
    """Entry point: an error that we raised on purpose is said in one sentence, with exit status 1."""
    try:
        shuniu()
    except ShuniuError as error:
        click.echo(f"{error} [{error.code}]", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
