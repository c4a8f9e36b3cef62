"""The one that asks; only a person at a terminal who has not forbidden it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TextIO

from gpcli.errors import ConfirmationNeeded, InputNeeded
from gpcli.render.sanitise import safe_line
from gpcli.render.stream import Stream
from gpcli.render.terminal import Terminal, is_set

TRIES = 3
"""How often a question is put before it is given up."""

_YES = frozenset({"y", "yes"})


def may_ask(
    terminal: Terminal, env: Mapping[str, str], no_input: bool, *, stdin_taken: bool = False
) -> bool:
    """Whether somebody can be asked: both streams are terminals and nothing forbids it.

    `--no-input` (`no_input`), GPCLI_NO_INPUT and CI forbid it; `false`, `0` and empty are off.
    `stdin_taken` says that standard input was the message, so that answers come from the terminal
    device and it needn't be a terminal.
    """
    if no_input or is_set(env.get("GPCLI_NO_INPUT")) or is_set(env.get("CI")):
        return False
    return terminal.stderr_tty and (terminal.stdin_tty or stdin_taken)


class Ask:
    """Asks on standard error and reads a line.

    `tty_device` opens the terminal device to read from, for when standard input was the message.
    Every question names the `flag` that answers it where nobody can be asked. `answered` is
    called after each answer: time that a person took is not the portal's.
    """

    def __init__(
        self,
        stdin: TextIO,
        stderr: TextIO,
        *,
        allowed: bool,
        tty_device: Callable[[], TextIO] | None = None,
        answered: Callable[[], None] = lambda: None,
    ) -> None:
        self.allowed = allowed
        self._stdin = stdin
        self._stderr = Stream(stderr)
        self._tty_device = tty_device
        self._answered = answered
        self._device: TextIO | None = None

    def yes(self, question: str, *, flag: str) -> bool:
        """Ask for agreement; anything but yes, and the end of input, is no.

        Raises ConfirmationNeeded if nobody can be asked.
        """
        if not self._can_ask():
            raise ConfirmationNeeded(
                "This needs your agreement, and there is nobody to ask.",
                hint=f"Agree with {flag}.",
            )
        answer = self._answer(f"{safe_line(question)} [y/N] ")
        return answer is not None and answer.lower() in _YES

    def text(self, question: str, *, flag: str) -> str:
        """Ask for words; again, up to three times, if the answer is empty.

        Raises InputNeeded if nobody can be asked or no answer came.
        """
        for answer in self._answers(f"{safe_line(question)}: ", flag):
            if answer:
                return answer
        raise _input_needed(flag)

    def choose(self, question: str, choices: Sequence[tuple[str, str]], *, flag: str) -> str:
        """Show numbered `choices` (id and label) and ask for one, by number or by id; give its id.

        A number in the list means its place in it. Asks up to three times. Raises InputNeeded if
        nobody can be asked, no choice was made or there is none.
        """
        by_number = {str(number): id for number, (id, _) in enumerate(choices, start=1)}
        by_answer = {id: id for id, _ in choices} | by_number
        if self._can_ask() and choices:
            self._show(question, [label for _, label in choices])
        for answer in self._answers(f"Number (1-{len(choices)}): ", flag) if choices else ():
            if answer in by_answer:
                return by_answer[answer]
        raise _input_needed(flag)

    def _show(self, question: str, labels: Sequence[str]) -> None:
        self._stderr.write_line(safe_line(question))
        width = len(str(len(labels)))
        for number, label in enumerate(labels, start=1):
            self._stderr.write_line(f"  {number:{width}}  {safe_line(label)}")

    def _answers(self, prompt: str, flag: str) -> Iterator[str]:
        if not self._can_ask():
            raise _input_needed(flag)
        for _ in range(TRIES):
            answer = self._answer(prompt)
            if answer is None:
                return
            yield answer

    def _answer(self, prompt: str) -> str | None:
        self._stderr.write(prompt)
        try:
            line = (self._device or self._stdin).readline()
        except UnicodeDecodeError:
            return ""
        except KeyboardInterrupt:
            self._stderr.write_line("")  # what comes next begins on a line of its own
            raise
        self._answered()
        if line == "":
            self._stderr.write_line("")
            return None
        return line.strip()

    def _can_ask(self) -> bool:
        if self.allowed and self._tty_device is not None and self._device is None:
            self._open(self._tty_device)
        return self.allowed

    def _open(self, tty_device: Callable[[], TextIO]) -> None:
        try:
            self._device = tty_device()
        except OSError:
            self.allowed = False


def _input_needed(flag: str) -> InputNeeded:
    return InputNeeded(f"{flag} is needed, and there is nobody to ask.", hint=f"Give {flag}.")
