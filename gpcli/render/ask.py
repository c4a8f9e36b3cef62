"""The one that asks; only a person at a terminal who has not forbidden it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TextIO

from gpcli.errors import ConfirmationNeeded, InputNeeded
from gpcli.render.columns import folded
from gpcli.render.sanitise import safe_line
from gpcli.render.terminal import LineWriter, Terminal, is_set

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
    called after each answer: time that a person took is not the portal's. `width`: the columns to
    break what can be chosen at, between words; `None` = lines stay whole.
    """

    def __init__(
        self,
        stdin: TextIO,
        stderr: TextIO,
        *,
        allowed: bool,
        tty_device: Callable[[], TextIO] | None = None,
        answered: Callable[[], None] = lambda: None,
        width: int | None = None,
    ) -> None:
        self.allowed = allowed
        self._width = width
        self._stdin = stdin
        self._stderr = LineWriter(stderr)
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
        raise _unanswered(flag)

    def choose(self, question: str, choices: Sequence[tuple[str, str]], *, flag: str) -> str:
        """Show numbered `choices` (id and label) and ask for one, by number or by id; give its id.

        A number in the list means its place in it. Asks up to three times, saying why an answer
        was of no use. Raises InputNeeded if nobody can be asked, no choice was made or there is
        none.
        """
        prompt = f"Number (1-{len(choices)}): "
        return self._chosen(question, prompt, choices, flag, lambda answer: [answer])[0]

    def choose_several(
        self, question: str, choices: Sequence[tuple[str, str]], *, flag: str
    ) -> list[str]:
        """The same for one or more of them, separated by commas; each once, in that order."""
        prompt = f"Numbers (1-{len(choices)}), separated by commas: "
        return self._chosen(question, prompt, choices, flag, _parts)

    def _chosen(
        self,
        question: str,
        prompt: str,
        choices: Sequence[tuple[str, str]],
        flag: str,
        parts: Callable[[str], list[str]],
    ) -> list[str]:
        """The ids that an answer names; `parts` are the numbers and ids in it."""
        if not (choices and self._can_ask()):
            raise _input_needed(flag)
        self._show(question, [label for _, label in choices])
        by_number = {str(number): id for number, (id, _) in enumerate(choices, start=1)}
        by_answer = {id: id for id, _ in choices} | by_number
        for answer in self._answers(prompt, flag):
            named = parts(answer)
            strange = [each for each in named if each not in by_answer]
            if named and not strange:
                return list(dict.fromkeys(by_answer[each] for each in named))
            if any(strange):
                words = f"'{strange[0]}' is not in the list: answer with a number or an id."
                self._stderr.write_line(safe_line(words))
        raise _unanswered(flag)

    def _show(self, question: str, labels: Sequence[str]) -> None:
        self._stderr.write_line(safe_line(question))
        digits = len(str(len(labels)))
        for number, label in enumerate(labels, start=1):
            words = " ".join(safe_line(label).split())  # so that no part passes for a choice
            line = f"  {number:{digits}}  {words}"
            lines = folded(line, self._width, digits + 4) if self._width else [line]
            self._stderr.write("".join(f"{each}\n" for each in lines))

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


def _parts(answer: str) -> list[str]:
    return [part for each in answer.split(",") if (part := each.strip())]


def _unanswered(flag: str) -> InputNeeded:
    return InputNeeded(f"{flag} is needed, and no usable answer came.", hint=f"Give {flag}.")


def _input_needed(flag: str) -> InputNeeded:
    return InputNeeded(f"{flag} is needed, and there is nobody to ask.", hint=f"Give {flag}.")
