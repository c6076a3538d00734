"""What a command ends in that cannot do its work: a sentence, and exit code 1."""

from typing import Any

import click
from environs import EnvError

from service.errors import CounterError, StorageRefused


class Sentences(click.Group):
    """Commands whose errors are told in a sentence on standard error, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # who reads the output has had enough; click knows
        except EnvError as error:
            raise click.ClickException(f"The settings are refused: {error}") from error
        except StorageRefused as error:
            raise click.ClickException(
                f"{error} To wait would not help: `es-counters check` says what is wrong."
            ) from error
        except UnicodeError as error:
            raise click.ClickException("A file is not text in UTF-8.") from error
        except (CounterError, OSError) as error:
            raise click.ClickException(str(error)) from error
