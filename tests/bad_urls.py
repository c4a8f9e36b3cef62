"""Texts that are no web address, and why not."""

_NO_NAME = "has a host that can't be a name: each part needs 1 to 63 letters, digits and hyphens"
_NO_IDNA = "has a host that is no international name (IDNA)"
_NO_IP = "has a host that is no IP address"
_UNREADABLE = "has no host or port that can be read"

NO_HOSTS: dict[str, str] = {
    "xn--a.example": _NO_IDNA,
    "a.xn--a.example": _NO_IDNA,
    "xn--": _NO_IDNA,
    "☃☃.example": _NO_IDNA,
    "\N{ARABIC-INDIC DIGIT ONE}.example": _NO_IDNA,
    "\N{FULLWIDTH DIGIT ONE}.0.0.1": _NO_IDNA,
    f"{'é' * 64}.example": _NO_IDNA,
    f"{'a' * 64}.example": _NO_NAME,
    f"{'a.' * 127}b": _NO_NAME,
    "a..b": _NO_NAME,
    ".b": _NO_NAME,
    ".": _NO_NAME,
    "exa_mple": _NO_NAME,
    "-a.example": _NO_NAME,
    "a-.example": _NO_NAME,
    "a%2fb": _NO_NAME,
    "256.1.1.1": _NO_IP,
    "127.1": _NO_IP,
    "1.2.3.4.5": _NO_IP,
    "2130706433": _NO_IP,
    "0x7f000001": _NO_IP,
    "[::1%25lo]": _NO_IP,
    "[::g]": _UNREADABLE,
    "[::1": _UNREADABLE,
    "portal.example:99999": _UNREADABLE,
    "portal.example:x": _UNREADABLE,
    "portal.example:0": "has the port 0, at which nothing can be asked",
}
"""Host and port of URLs -> why they are none."""

NO_URLS: dict[str, str] = {f"https://{host}/fhir": why for host, why in NO_HOSTS.items()} | {
    "": "is not a web address",
    "portal.example": "is not a web address",
    "https:///fhir": "is not a web address",
    "https:fhir": "is not a web address",
    "//portal.example/fhir": "is not a web address",
    "javascript:alert(1)": "is not a web address",
    "ftp://portal.example/": "is not a web address",
    "https://portal.example/\x00": "has characters that no URL has",
    " https://portal.example/": "has characters that no URL has",
    "https://portal.example/a\nb": "has characters that no URL has",
    "https://portal.example/\ud800": "has characters that no URL has",
    f"https://portal.example/{'x' * 65_536}": "is longer than 65,536 characters",
}
