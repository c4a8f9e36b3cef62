"""Questions to the person at the terminal."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from gpcli.errors import ConfirmationNeeded, Declined, InputNeeded
from gpcli.render.columns import wrap_line
from gpcli.render.sanitise import safe_line
from gpcli.render.terminal import LineWriter, Terminal, is_set, without_echo

MAX_TRIES = 3
"""How often a question is asked before it is given up."""

_YES = frozenset({"y", "yes"})


def open_terminal() -> TextIO:
    """Open the terminal that this process belongs to, for reading; raises OSError without one."""
    return Path("CONIN$" if os.name == "nt" else "/dev/tty").open(encoding="utf-8")


def can_prompt(
    terminal: Terminal, env: Mapping[str, str], no_input: bool, *, stdin_claimed: bool = False
) -> bool:
    """Return whether somebody can be asked: both streams are terminals and nothing forbids it.

    `no_input` (`--no-input`), GPCLI_NO_INPUT and CI forbid it; `false`, `0` and empty are off.
    With `stdin_claimed`, standard input holds data, and answers are read from the terminal device:
    then standard input need not be a terminal.
    """
    if no_input or is_set(env.get("GPCLI_NO_INPUT")) or is_set(env.get("CI")):
        return False
    return terminal.stderr_tty and (terminal.stdin_tty or stdin_claimed)


def build_prompt(
    stdin: TextIO,
    stderr: TextIO,
    terminal: Terminal,
    env: Mapping[str, str],
    *,
    no_input: bool,
    stdin_claimed: bool,
    terminal_device: Callable[[], TextIO] | None,
    on_answer: Callable[[], None],
    in_words: bool,
) -> Prompt:
    """Return the Prompt of a run; arguments as of `can_prompt` and Prompt.

    The terminal device (`None` = the real one) is read where standard input is claimed.
    """
    return Prompt(
        stdin,
        stderr,
        allowed=can_prompt(terminal, env, no_input, stdin_claimed=stdin_claimed),
        terminal_device=(terminal_device or open_terminal) if stdin_claimed else None,
        on_answer=on_answer,
        width=terminal.width,
        in_words=in_words,
    )


class Prompt:
    """Asks questions on standard error and reads the answers, a line each.

    `allowed` is whether anybody may be asked. `terminal_device` opens the device to read
    answers from; `None` = from standard input. `on_answer` is called after each answer, to leave
    the time that a person took out of network time limits. `width` is the columns at which choices
    are wrapped; `None` = they are not. With `in_words`, for a screen reader, a question is one line
    with all its choices and the ways to answer.

    Every question takes the `flag` that answers it on the command line, for the error that is
    raised where nobody can be asked.
    """

    def __init__(
        self,
        stdin: TextIO,
        stderr: TextIO,
        *,
        allowed: bool,
        terminal_device: Callable[[], TextIO] | None = None,
        on_answer: Callable[[], None] = lambda: None,
        width: int | None = None,
        in_words: bool = False,
    ) -> None:
        self.can_ask = allowed
        self._width = width
        self._in_words = in_words
        self._stdin = stdin
        self._stderr = LineWriter(stderr)
        self._terminal_device = terminal_device
        self._on_answer = on_answer
        self._device: TextIO | None = None

    def confirm(self, question: str, *, flag: str) -> bool:
        """Ask for agreement. Only `y` and `yes` are yes; the end of input is no.

        Raises: ConfirmationNeeded if nobody can be asked.
        """
        if not self._is_ready():
            raise ConfirmationNeeded(
                "This needs your agreement, and there is nobody to ask.",
                hint=f"Agree with {flag}.",
            )
        ways = "Answer yes or no:" if self._in_words else "[y/N]"
        answer = self._ask_once(f"{safe_line(question)} {ways} ")
        return answer is not None and answer.lower() in _YES

    def ask_text(self, question: str, *, flag: str) -> str:
        """Ask for a line of text, up to three times while the answer is empty.

        Raises: InputNeeded if nobody can be asked or no answer came.
        """
        for answer in self._ask_repeatedly(f"{safe_line(question)}: ", flag):
            if answer:
                return answer
        raise _no_usable_answer(flag)

    def ask_secret(self, question: str, *, flag: str) -> str:
        """Ask once for a line that is not shown while it is typed.

        Raises: InputNeeded if nobody can be asked or no answer came.
        """
        if not self._is_ready():
            raise _nobody_to_ask(flag)
        with without_echo(self._device or self._stdin):
            answer = self._ask_once(f"{safe_line(question)} (not shown): ")
        self._stderr.write_line("")  # the terminal showed no line break either
        if answer:
            return answer
        raise _no_usable_answer(flag)

    def choose(self, question: str, choices: Sequence[tuple[str, str]], *, flag: str) -> str:
        """Show numbered `choices` (id and label), ask for one, and return its id.

        The answer is a number or an id; where an id is also a number in the list, it is taken for
        the number. Asks up to three times, and says which answers are not in the list.

        Raises: InputNeeded if nobody can be asked, there are no choices, or none was made.
        """
        prompt = f"Number (1-{len(choices)}): "
        if self._in_words:
            prompt = "Answer with a number, or q to quit: "
        return self._ask_for_choices(question, prompt, choices, flag, lambda answer: [answer])[0]

    def choose_several(
        self, question: str, choices: Sequence[tuple[str, str]], *, flag: str
    ) -> list[str]:
        """Ask as `choose` for one or more, separated by commas, and return their ids.

        Each id is returned once, in the order of the answer.
        """
        prompt = f"Numbers (1-{len(choices)}), separated by commas: "
        if self._in_words:
            prompt = "Answer with numbers and commas between, or q to quit: "
        return self._ask_for_choices(question, prompt, choices, flag, _split_answer)

    def _ask_for_choices(
        self,
        question: str,
        prompt: str,
        choices: Sequence[tuple[str, str]],
        flag: str,
        split: Callable[[str], list[str]],
    ) -> list[str]:
        """Ask for ids of `choices`; `split` returns the numbers and ids in an answer."""
        if not (choices and self._is_ready()):
            raise _nobody_to_ask(flag)
        self._write_choices(question, [label for _, label in choices])
        by_number = {str(number): id for number, (id, _) in enumerate(choices, start=1)}
        by_answer = {id: id for id, _ in choices} | by_number
        for answer in self._ask_repeatedly(prompt, flag):
            if self._in_words and answer == "q" and answer not in by_answer:
                raise Declined("Nothing was chosen.")
            named = split(answer)
            unknown = [name for name in named if name not in by_answer]
            if named and not unknown:
                return list(dict.fromkeys(by_answer[name] for name in named))
            if any(unknown):
                text = f"'{unknown[0]}' is not in the list: answer with a number or an id."
                self._stderr.write_line(safe_line(text))
        raise _no_usable_answer(flag)

    def _write_choices(self, question: str, labels: Sequence[str]) -> None:
        if self._in_words:
            texts = (" ".join(safe_line(label).split()).removesuffix(".") for label in labels)
            numbered = (f" {number}: {text}." for number, text in enumerate(texts, start=1))
            self._stderr.write(f"{safe_line(question)}{''.join(numbered)} ")
            return
        self._stderr.write_line(safe_line(question))
        digits = len(str(len(labels)))
        for number, label in enumerate(labels, start=1):
            text = " ".join(safe_line(label).split())  # so that no part passes for a choice
            line = f"  {number:{digits}}  {text}"
            lines = wrap_line(line, self._width, digits + 4) if self._width else [line]
            self._stderr.write("".join(f"{line}\n" for line in lines))

    def _ask_repeatedly(self, prompt: str, flag: str) -> Iterator[str]:
        """Yield up to three answers, until input ends; raise InputNeeded if nobody can be asked."""
        if not self._is_ready():
            raise _nobody_to_ask(flag)
        for _ in range(MAX_TRIES):
            answer = self._ask_once(prompt)
            if answer is None:
                return
            yield answer

    def _ask_once(self, prompt: str) -> str | None:
        """Return the answer, empty if it can't be decoded; `None` = the end of input."""
        self._stderr.write(prompt)
        try:
            line = (self._device or self._stdin).readline()
        except UnicodeDecodeError:
            return ""
        except KeyboardInterrupt:
            self._stderr.write_line("")  # the next output begins on a line of its own
            raise
        self._on_answer()
        if line == "":
            self._stderr.write_line("")
            return None
        return line.strip()

    def _is_ready(self) -> bool:
        """Return whether the person can be asked; the terminal device is opened on first use."""
        if self.can_ask and self._terminal_device is not None and self._device is None:
            try:
                self._device = self._terminal_device()
            except OSError:
                self.can_ask = False
        return self.can_ask


def _split_answer(answer: str) -> list[str]:
    return [name for part in answer.split(",") if (name := part.strip())]


def _no_usable_answer(flag: str) -> InputNeeded:
    return InputNeeded(f"{flag} is needed, and no usable answer came.", hint=f"Give {flag}.")


def _nobody_to_ask(flag: str) -> InputNeeded:
    return InputNeeded(f"{flag} is needed, and there is nobody to ask.", hint=f"Give {flag}.")
