"""Gunicorn's own log, without a line for each request: the service writes that one itself."""

from gunicorn.glogging import Logger  # type: ignore[import-untyped]  # gunicorn has no type hints


class OwnLog(Logger):  # type: ignore[misc]  # gunicorn has no type hints
    """A log of gunicorn's that tells of requests only where it has been told to.

    Where logging is configured by a dictionary, gunicorn takes for granted that it is told where to write such lines;
    it would gather what can stand in one at every request, only to find that nobody wants it.
    """

    @property
    def access_log_enabled(self) -> bool:
        """Whether somebody wants them: ``--access-logfile``, ``--log-syslog``."""
        return bool(self.cfg.accesslog or self.cfg.syslog)
