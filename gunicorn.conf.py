"""What every gunicorn of ours has in common: its lines are written as the site's are."""

from __future__ import annotations

from gunicorn.config import Config
from gunicorn.glogging import Logger

from loratrainer.environment import LOCAL
from loratrainer.logs import Json, Plain


class SiteLogger(Logger):
    """Gunicorn's, whose lines hold no secret either: addresses may end in a token."""

    def setup(self, cfg: Config) -> None:
        """Hang our formatter on its handlers."""
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.setFormatter(Plain("%(message)s") if LOCAL else Json())


logger_class = SiteLogger
