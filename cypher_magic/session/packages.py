"""Which of the libraries that this package needs are installed, and in which version. Nothing is imported for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import metadata

_NAME = "cypher-magic"
_MAIN = ("torch", "transformers", "peft", "neo4j", "ipywidgets")  # where the package's own metadata is not there


@dataclass(frozen=True)
class Library:
    """A library: what is wanted (`torch>=2.6`), the version that is there (empty: none), and whether that will do."""

    name: str
    wanted: str
    version: str
    fine: bool
    extra: str = ""  # the extra of this package that it belongs to


def libraries() -> list[Library]:
    """Every library that this package needs here, and those of its extras."""
    try:
        wanted = metadata.requires(_NAME) or []
    except metadata.PackageNotFoundError:  # a checkout that is not installed
        wanted = list(_MAIN)
    found = [library for text in wanted if (library := _library(text)) is not None]
    return [library for library in found if library.extra != "test"]


def version(name: str) -> str:
    """The version of a library that is installed; empty when it is not."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _library(text: str) -> Library | None:
    """What one line of the metadata asks for; None when it is meant for other machines."""
    text, _, marker = (part.strip() for part in text.partition(";"))
    name = re.split(r"[^\w.-]", text, maxsplit=1)[0]
    belongs = re.search(r"extra == ['\"]([\w-]+)['\"]", marker)
    extra = belongs[1] if belongs else ""
    there = version(name)
    try:
        from packaging.markers import Marker
        from packaging.requirements import Requirement
    except ImportError:  # then the numbers can not be compared
        return Library(name, text, there, bool(there), extra)
    if marker and not Marker(marker).evaluate({"extra": extra}):
        return None
    fine = bool(there) and Requirement(text).specifier.contains(there, prereleases=True)
    return Library(name, text, there, fine, extra)
