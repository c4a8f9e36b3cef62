"""Questions to the person at the terminal."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from gpcli.errors import ConfirmationNeeded, Declined, InputNeeded
from gpcli.render.picker import Picker, ScreenSize
from gpcli.render.sanitise import safe_line
from gpcli.render.terminal import LineWriter, Terminal, is_set, without_echo

MAX_TRIES = 20
"""How many answers of no use a question takes before it is given up."""

NOTHING_CHOSEN, NOTHING_SENT = "Nothing was chosen.", "Nothing was sent."
"""What is said to a person who quits: of a read, and of a write."""

_YES = frozenset({"y", "yes"})
_NO = frozenset({"", "n", "no"})
_QUIT = frozenset({"q", "quit"})


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
    quit_message: str,
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
        size=ScreenSize(terminal.width, terminal.height),
        quit_message=quit_message,
        in_words=in_words,
    )


class Prompt:
    """Asks questions on standard error and reads the answers, a line each.

    `allowed` is whether anybody may be asked. `terminal_device` opens the device to read
    answers from; `None` = from standard input. `on_answer` is called after each answer, to leave
    the time that a person took out of network time limits. `size` is that of the screen, which a
    page of choices has to fit; `None` = it has no end. `quit_message` is for a person who quits.
    With `in_words`, for a screen reader, a question is one line with its choices and the ways to
    answer.

    Every question takes the `flag` that answers it on the command line, for the error that is
    raised where nobody can be asked. The end of input (Ctrl-D) quits.
    """

    def __init__(
        self,
        stdin: TextIO,
        stderr: TextIO,
        *,
        allowed: bool,
        terminal_device: Callable[[], TextIO] | None = None,
        on_answer: Callable[[], None] = lambda: None,
        size: ScreenSize | None = None,
        quit_message: str = NOTHING_CHOSEN,
        in_words: bool = False,
    ) -> None:
        self.can_ask = allowed
        self._in_words = in_words
        self._size = size or ScreenSize()
        self._quit_message = quit_message
        self._stdin = stdin
        self._stderr = LineWriter(stderr)
        self._terminal_device = terminal_device
        self._on_answer = on_answer
        self._device: TextIO | None = None

    def confirm(self, question: str, *, flag: str) -> bool:
        """Ask for agreement. Only `y` and `yes` are yes; the end of input and `q` are no.

        What is neither yes nor no is asked about again.

        Raises: ConfirmationNeeded if nobody can be asked.
        """
        if not self._is_ready():
            raise ConfirmationNeeded(
                "This needs your agreement, and there is nobody to ask.",
                hint=f"Agree with {flag}.",
            )
        ways = "Answer yes or no:" if self._in_words else "[y/N]"
        prompt = f"{safe_line(question)} {ways} "
        for _ in range(MAX_TRIES):
            answer = self._ask_once(prompt)
            if answer is None or answer.lower() in _YES | _NO | _QUIT:
                return answer is not None and answer.lower() in _YES
            again = "That is neither." if self._in_words else "Answer y (yes) or n (no)."
            self._write_lines(self._size.wrap(again))
        return False

    def accept(self, question: str) -> bool:
        """Ask whether to go on as proposed: Enter, `y` and `yes` are yes, all else is no.

        Where nobody can be asked it is no.
        """
        if not self._is_ready():
            return False
        ways = "Enter for yes, n for no:" if self._in_words else "[Y/n]"
        answer = self._ask_once(f"{safe_line(question)} {ways} ")
        return answer is not None and answer.lower() in _YES | {""}

    def ask_text(self, question: str, *, flag: str) -> str:
        """Ask for a line of text, again while the answer is empty; any other is taken as it is.

        Raises: InputNeeded if nobody can be asked or no answer came, Declined at the end of input.
        """
        if not self._is_ready():
            raise _nobody_to_ask(flag)
        for _ in range(MAX_TRIES):
            answer = self._ask_once(f"{safe_line(question)}: ")
            if answer is None:
                raise Declined(self._quit_message)
            if answer:
                return answer
            self._write_lines(self._size.wrap("Write something, or quit with Ctrl-D."))
        raise _no_usable_answer(flag)

    def ask_optional(self, question: str, *, flag: str) -> str:
        """Ask once for a line of text that may be left out: with Enter, or at the end of input.

        Raises: InputNeeded if nobody can be asked.
        """
        if not self._is_ready():
            raise _nobody_to_ask(flag)
        return self._ask_once(f"{safe_line(question)} (Enter leaves it out): ") or ""

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

    def choose_key(self, question: str, keys: Mapping[str, str], *, default: str) -> str:
        """Ask for one of `keys` (letter and word), and return its letter.

        Enter, the end of input and what is asked for in vain mean `default`, a letter among them.
        """
        if not self._is_ready():
            return default
        letters = "/".join(key.upper() if key == default else key for key in keys)
        if self._in_words:
            spoken = ", ".join(f"{key} for {word}" for key, word in keys.items())
            prompt = f"What now? Answer with {spoken}, or Enter for {keys[default]}: "
        else:
            prompt = "\n".join(self._size.wrap(f"{safe_line(question)} [{letters}]")) + " "
        by_word = {word: key for key, word in keys.items()}
        for _ in range(MAX_TRIES):
            answer = (self._ask_once(prompt) or default).lower()
            if answer in keys or answer in by_word:
                return by_word.get(answer, answer)
            known = ", ".join(f"{key} ({word})" for key, word in keys.items())
            self._write_lines(self._size.wrap(f"Answer with one of {known}."))
        return default

    def choose(
        self,
        question: str,
        choices: Sequence[tuple[str, str]],
        *,
        flag: str,
        default: str | None = None,
    ) -> str:
        """Show numbered `choices` (id and label), ask for one, and return its id.

        The answer is a number or an id; where an id is also a number in the list, it is taken for
        the number. Other words are looked for in the labels. As many choices are shown at a time
        as fit the screen. `default` is the id that Enter takes. The only choice is taken at once.

        Raises: InputNeeded if nobody can be asked, there are no choices, or no usable answer came;
        Declined if the person quits.
        """
        picked = self._pick(question, choices, flag, default, several=False)
        return picked[0]

    def choose_several(
        self,
        question: str,
        choices: Sequence[tuple[str, str]],
        *,
        flag: str,
        default: str | None = None,
    ) -> list[str]:
        """Ask as `choose` for one or more: `1,3`, `1-3`, `all`, ids; return their ids.

        Each id is returned once, in the order of the answer.
        """
        return list(self._pick(question, choices, flag, default, several=True))

    def _pick(
        self,
        question: str,
        choices: Sequence[tuple[str, str]],
        flag: str,
        default: str | None,
        *,
        several: bool,
    ) -> Sequence[str]:
        if not (choices and self._is_ready()):
            raise _nobody_to_ask(flag)
        if len(choices) == 1:
            return [choices[0][0]]
        picker = Picker(
            question,
            choices,
            self._size,
            default=default,
            several=several,
            in_words=self._in_words,
        )
        self._write_lines(picker.show_start())
        tries = 0
        while tries < MAX_TRIES:
            answer = self._ask_once(picker.prompt)
            if answer is None or answer.lower() in _QUIT:
                raise Declined(self._quit_message)
            turn = picker.answer(answer)
            if turn.picked:
                return turn.picked
            self._write_lines(turn.lines)
            tries += not turn.progress
        raise _no_usable_answer(flag)

    def _write_lines(self, lines: Sequence[str]) -> None:
        end = " " if self._in_words else "\n"  # in words all of a question is one line
        self._stderr.write("".join(f"{line}{end}" for line in lines))

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


def _no_usable_answer(flag: str) -> InputNeeded:
    return InputNeeded(f"{flag} is needed, and no usable answer came.", hint=f"Give {flag}.")


def _nobody_to_ask(flag: str) -> InputNeeded:
    return InputNeeded(f"{flag} is needed, and there is nobody to ask.", hint=f"Give {flag}.")
