"""Test attachments: their bytes, and the three ways to hold them."""

import base64
import re
import struct
import zlib
from datetime import datetime

import pytest

from gpcli.sandbox.people.messages import MessageAttachment, build_pdf, build_png, encode_text
from tests.sandbox.people.population import NOW, Resource, find_resource, of_type, parts

NOTES = encode_text("Øye\nEar")
ADA = {"reference": "Patient/ada", "display": "Ada Solberg"}


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and content of each chunk of a PNG, checksums verified (W3C PNG, 5.3)."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    rest, found = png[8:], []
    while rest:
        (length,) = struct.unpack(">I", rest[:4])
        kind, content = rest[4:8], rest[8 : 8 + length]
        (checksum,) = struct.unpack(">I", rest[8 + length : 12 + length])
        assert checksum == zlib.crc32(kind + content)
        found.append((kind, content))
        rest = rest[12 + length :]
    return found


@pytest.mark.parametrize("size", [1, 24, 32])
def test_a_picture_is_a_whole_png(size: int) -> None:
    header, pixels, end = chunks(build_png(size))

    assert header == (b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0))
    assert len(zlib.decompress(pixels[1])) == size * (1 + 3 * size)
    assert end == (b"IEND", b"")


def test_a_picture_shows_a_spot_on_a_ground() -> None:
    (_, (_, pixels), _) = chunks(build_png(24))
    rows = zlib.decompress(pixels)
    colours = {rows[row * 73 + 1 + 3 * x :][:3] for row in range(24) for x in range(24)}

    assert colours == {b"\xb5\x6a\x5a", b"\xf0\xd5\xc4"}


def test_a_leaflet_is_a_pdf_whose_table_leads_to_each_object() -> None:
    pdf = build_pdf("Blåbær.")

    (at,) = re.findall(rb"startxref\n(\d+)\n%%EOF\n\Z", pdf)
    table = pdf[int(at) :]
    offsets = [int(each) for each in re.findall(rb"(\d{10}) 00000 n \n", table)]
    assert pdf.startswith(b"%PDF-1.4\n")
    assert table.startswith(b"xref\n0 6\n")
    assert [pdf[offset:][:7] for offset in offsets] == [b"%d 0 obj" % n for n in range(1, 6)]
    assert "Blåbær.".encode("latin-1") in pdf


def test_a_leaflets_stream_is_as_long_as_it_says() -> None:
    (found,) = re.findall(rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", build_pdf("x"), re.DOTALL)

    length, stream = found
    assert int(length) == len(stream)


def test_a_leaflet_takes_only_what_its_font_has() -> None:
    with pytest.raises(UnicodeEncodeError):
        build_pdf("漢")


def test_an_inline_file_is_in_the_message_and_nowhere_else() -> None:
    enclosure = MessageAttachment("notes.txt", "text/plain", NOTES)

    assert enclosure.payload("m-1") == {
        "contentAttachment": {
            "contentType": "text/plain",
            "title": "notes.txt",
            "size": 9,
            "data": base64.b64encode("Øye\nEar\n".encode()).decode(),
        }
    }
    assert list(enclosure.resources("m-1", ADA, NOW)) == []


def test_a_file_at_a_url_is_a_binary_of_the_patients() -> None:
    enclosure = MessageAttachment("notes.txt", "text/plain", NOTES, "binary")

    (binary,) = enclosure.resources("m-1", ADA, NOW)

    assert binary == {
        "resourceType": "Binary",
        "id": binary["id"],
        "contentType": "text/plain",
        "securityContext": ADA,
        "data": base64.b64encode(NOTES).decode(),
    }
    assert enclosure.payload("m-1") == {
        "contentAttachment": {
            "contentType": "text/plain",
            "title": "notes.txt",
            "size": 9,
            "url": f"Binary/{binary['id']}",
        }
    }


def test_a_file_in_a_document_is_found_by_the_document() -> None:
    enclosure = MessageAttachment("notes.txt", "text/plain", NOTES, "document")

    document, binary = enclosure.resources("m-1", ADA, NOW)

    reference = {"reference": f"DocumentReference/{document['id']}"}
    assert enclosure.payload("m-1") == {"contentReference": reference}
    assert document == {
        "resourceType": "DocumentReference",
        "id": document["id"],
        "status": "current",
        "subject": ADA,
        "date": "2026-11-23T10:00:00+01:00",
        "description": "notes.txt",
        "content": [
            {
                "attachment": {
                    "contentType": "text/plain",
                    "title": "notes.txt",
                    "size": 9,
                    "url": f"Binary/{binary['id']}",
                }
            }
        ],
        "context": {"related": [{"reference": "Communication/m-1"}]},
    }


def test_the_same_file_in_two_messages_has_two_ids() -> None:
    enclosure = MessageAttachment("notes.txt", "text/plain", NOTES, "binary")

    ids = {
        each["id"] for message in ("m-1", "m-2") for each in enclosure.resources(message, ADA, NOW)
    }

    assert len(ids) == 2


def test_adas_messages_bring_files_in_every_way(now: datetime, population: list[Resource]) -> None:
    attachments = [
        part
        for type_ in ("Communication", "DocumentReference")
        for each in of_type(population, type_)
        for part in parts(each)
        if "contentType" in part
    ]

    assert {each["title"]: "data" if "data" in each else "url" for each in attachments} == {
        "mole.png": "data",
        "mole-notes.txt": "data",
        "moles-leaflet.pdf": "url",
        "mole-marked.png": "url",
    }


def test_every_attachment_has_as_many_bytes_as_it_says_and_begins_as_its_type_does(
    population: list[Resource],
) -> None:
    begins = {"image/png": b"\x89PNG", "application/pdf": b"%PDF-", "text/plain": b"May"}
    for part in (part for each in population for part in parts(each) if "size" in part):
        content = base64.b64decode(
            part.get("data") or find_resource(population, part["url"])["data"]
        )

        assert len(content) == part["size"]
        assert content.startswith(begins[part["contentType"].partition(";")[0]])
