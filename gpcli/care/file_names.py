"""Under which names attachments are saved: nothing of a portal's title can choose the place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from gpcli.model.thread import Attachment

LONGEST = 120
"""Bytes of a name, in UTF-8, before its extension."""

EXTENSIONS: dict[str, tuple[str, ...]] = {
    "application/dicom": (".dcm",),
    "application/msword": (".doc",),
    "application/pdf": (".pdf",),
    "application/rtf": (".rtf",),
    "application/vnd.oasis.opendocument.text": (".odt",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (".docx",),
    "audio/mpeg": (".mp3",),
    "image/gif": (".gif",),
    "image/heic": (".heic",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
    "image/tiff": (".tif", ".tiff"),
    "image/webp": (".webp",),
    "text/csv": (".csv",),
    "text/plain": (".txt",),
    "video/mp4": (".mp4",),
}
"""Media type -> what a file of it may end in, the first by default. All others end in `.bin`."""

UNKNOWN = (".bin",)

_PLACES = re.compile(r"[/\\:]")
_UNFIT = re.compile(r'[<>"|?*]')
_RESERVED = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³])", re.IGNORECASE)


def file_names(attachments: Sequence[Attachment]) -> dict[str, str]:
    """A file name for each attachment's id, no two alike where letters' case does not count."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for each in attachments:
        name = _free(safe_name(each.title, each.content_type), taken)
        taken.add(name.casefold())
        names[each.id] = name
    return names


def safe_name(title: str | None, content_type: str | None) -> str:
    """A name to save under, on any system: only the last part of `title`, and an extension that
    fits `content_type`, whatever the title claims.
    """
    endings = EXTENSIONS.get((content_type or "").partition(";")[0].strip().casefold(), UNKNOWN)
    stem = _stem(_PLACES.split(title or "")[-1])
    ending = next((each for each in endings if stem.casefold().endswith(each)), None)
    kept = stem[: -len(ending)] if ending else stem
    return f"{_whole(kept)}{ending or endings[0]}"


def _stem(part: str) -> str:
    composed = unicodedata.normalize("NFC", part)
    visible = "".join(
        each for each in composed if unicodedata.category(each)[0] not in "CZ" or each == " "
    )
    return _UNFIT.sub("_", visible).strip(" .").lstrip("-")


def _whole(stem: str) -> str:
    cut = stem.encode()[:LONGEST].decode(errors="ignore").strip(" .").lstrip("-. ")
    if _RESERVED.fullmatch(cut.partition(".")[0].strip()):
        return f"_{cut}"
    return cut or "attachment"


def _free(name: str, taken: set[str]) -> str:
    stem, dot, ending = name.rpartition(".")
    number = 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem} ({number}){dot}{ending}"
    return name
