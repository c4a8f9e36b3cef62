"""What a command has on this machine, before any network: streams, files, settings."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from gpcli.config import paths
from gpcli.errors import ConfigTrouble

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from gpcli.config.index import OfferIndex
    from gpcli.config.options import Options
    from gpcli.config.profiles import Config, Profile
    from gpcli.config.settings import Settings
    from gpcli.render.ask import Ask
    from gpcli.render.output import Output, Terminal


class Local:
    """Each part is built when first used. `terminal` `None` = what the streams are.

    Raises ConfigTrouble for an empty `GPCLI_CONFIG_DIR` or a wrong `GPCLI_CLOCK_OFFSET`; where
    the command diagnoses, keeps it as `flaw`.

    `former_umask` is the one that gpcli was started with, for the programs that it starts;
    -1 = it was never changed. `patience` is how long, in seconds, the portal may take before
    progress is shown; `None` = as `Output` has it. `terminal_device` opens the terminal to read
    answers from where standard input is taken.
    """

    former_umask = -1
    patience: float | None = None

    def __init__(
        self,
        options: Options,
        env: Mapping[str, str],
        streams: tuple[TextIO, TextIO, TextIO],
        now: Callable[[], datetime],
        terminal: Terminal | None,
    ) -> None:
        self.flaw: ConfigTrouble | None = None
        try:
            self.clock = _clock(now, env)
        except ConfigTrouble as flaw:
            if not options.diagnoses:
                raise
            self.flaw, self.clock = flaw, now
        self.options = options
        self.env = env
        self.stdin, self.stdout, self.stderr = streams
        self.terminal_device: Callable[[], TextIO] = open_terminal
        self._terminal = terminal
        self._stdin_taken = False

    @cached_property
    def output(self) -> Output:
        """The one writer."""
        from gpcli.render.output import PATIENCE, Format, Output, look_around

        chosen = [name for name in ("json", "ndjson", "plain") if getattr(self.options, name)]
        return Output(
            self.stdout,
            self.stderr,
            self._terminal or look_around(self.stdin, self.stdout, self.stderr, self.env),
            format=Format(chosen[0] if chosen else "auto"),
            fields=self.options.fields,
            now=self.clock,
            patience=PATIENCE if self.patience is None else self.patience,
        )

    @cached_property
    def ask(self) -> Ask:
        """Who asks the person, where there is one."""
        from gpcli.render.ask import Ask, may_ask

        taken = self._stdin_taken
        return Ask(
            self.stdin,
            self.stderr,
            allowed=may_ask(
                self.output.terminal, self.env, self.options.no_input, stdin_taken=taken
            ),
            tty_device=self.terminal_device if taken else None,
            answered=self.person_answered,
            width=self.output.terminal.width,
        )

    def take_stdin(self) -> TextIO:
        """Standard input, for what it holds; from now on answers come from the terminal device."""
        if not self._stdin_taken:
            self._stdin_taken = True
            self.__dict__.pop("ask", None)
        return self.stdin

    def person_answered(self) -> None:
        """A person took their time to answer a question; nothing runs here that would mind."""

    @property
    def debugs(self) -> bool:
        """Whether each request is to be told on standard error."""
        from gpcli.fastpath.offers import is_set

        return self.options.debug or is_set(self.env.get("GPCLI_DEBUG"))

    @property
    def config_path(self) -> Path:
        """Where the profiles are."""
        return Path(paths.config_dir(self.env)) / "config.toml"

    def beside_config(self, named: str) -> Path:
        """The file that a profile names: `~` is home, a relative path is beside the profiles."""
        return self.config_path.parent / Path(named).expanduser()

    @property
    def state_dir(self) -> Path:
        """Where the journal, the locks and the index are."""
        return Path(paths.state_dir(self.env))

    @property
    def lock_dir(self) -> Path:
        """Where the locks of sessions are."""
        return self.state_dir / "locks"

    @property
    def cache_dir(self) -> Path:
        """Where what can be fetched again is kept."""
        return Path(paths.cache_dir(self.env))

    @property
    def config(self) -> Config:
        """The profiles, as the file has them now."""
        if self.flaw:
            raise self.flaw
        from gpcli.config.profiles import read_config

        return read_config(self.config_path)

    @cached_property
    def settings(self) -> Settings:
        """Which portal and person this run is about."""
        from gpcli.config.settings import settle

        return settle(self.options, self.env, self.config)

    @property
    def profile(self) -> Profile:
        """The portal in use."""
        return self.settings.profile

    @cached_property
    def zone(self) -> ZoneInfo:
        """The surgeries' time zone."""
        from zoneinfo import ZoneInfo

        return ZoneInfo(self.profile.zone)

    def now(self) -> datetime:
        """The present, in the surgeries' zone."""
        return self.clock().astimezone(self.zone)

    @cached_property
    def index(self) -> OfferIndex:
        """What help and completion read: profiles, people, hidden commands."""
        from gpcli.config.index import OfferIndex

        return OfferIndex(Path(paths.index_path(self.env)))

    def index_profiles(self) -> None:
        """Tell the index, and so completion, which profiles there are now."""
        config = self.config
        self.index.set_profiles(config.profiles, config.default)

    @property
    def index_key(self) -> str:
        """The key of the profile in the index."""
        from gpcli.config.index import profile_key

        return profile_key(self.profile.name, self.profile.portal)

    def timestamp(self) -> float:
        """The present in Unix seconds."""
        return self.clock().timestamp()


def open_terminal() -> TextIO:
    """The terminal that this process belongs to, to read from; raises OSError without one."""
    return Path("CONIN$" if os.name == "nt" else "/dev/tty").open(encoding="utf-8")


def _clock(now: Callable[[], datetime], env: Mapping[str, str]) -> Callable[[], datetime]:
    if env.get("GPCLI_CONFIG_DIR") == "":
        raise ConfigTrouble("GPCLI_CONFIG_DIR is set but empty.", hint="Name a directory.")
    if "GPCLI_CLOCK_OFFSET" not in env:
        return now
    from gpcli.config.settings import clock_offset

    offset = clock_offset(env)
    return lambda: now() + offset
