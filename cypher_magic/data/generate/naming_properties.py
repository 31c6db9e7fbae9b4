"""How a property is said in English: from the lexicon, or by what its name and its type tell."""

from __future__ import annotations

import re
from dataclasses import replace

from cypher_magic.data.generate.flags import flag
from cypher_magic.data.generate.lexicon_properties import ALIASES, OF_WORKS, PROPERTIES, WORKS, PropertyWords
from cypher_magic.data.generate.lexicon_verbs import PARTICLES
from cypher_magic.data.generate.spaced import spaced
from cypher_magic.data.generate.words import base_of, plural, singular, verb, words


def property_words(name: str, owner: list[str], type_: str = "") -> PropertyWords:
    """The words for a property name: from the lexicon by its whole name or its last word, or by its own form."""
    parts = words(name)
    if len(parts) > 1 and parts[: len(owner)] == owner:
        parts = parts[len(owner) :] or parts  # Movie.movieTitle is a title
    full = " ".join(parts)
    if type_ == "BOOLEAN":
        return PropertyWords((full,), flag=flag(parts))
    if len(parts) > 1 and parts[-1] in _UNITS:
        full = f"{' '.join(parts[:-1])} in {_UNITS[parts[-1]]}"
    come_out = OF_WORKS if owner and singular(owner[-1]) in WORKS else {}
    found = come_out.get(full) or PROPERTIES.get(full) or PROPERTIES.get(ALIASES.get(full, ""))
    if found:
        return _dated(found, type_) if found.nouns else replace(found, nouns=(full,))
    if len(parts) > 1 and parts[-1] in PARTICLES and type_ == "STRING":
        return PropertyWords((f"{'-'.join(parts)} value",))
    number = type_ in ("INTEGER", "FLOAT")
    if number and (full.startswith("number of ") or (len(parts) > 1 and parts[-1] == "count")):
        return _how_many(plural(full.removeprefix("number of ").removesuffix(" count")))
    if full in _DOES and "DATE" in type_:
        does = verb(_DOES[full])
        return PropertyWords(
            (f"{does.ing} date",), asks=(f"when does {{x}} {does.base}", f"when did {{x}} {does.base}")
        )
    if len(parts) > 1 and parts[-1] in ("at", "on") and "DATE" in type_:
        parts = parts[:-1]  # measuredAt is when it was measured
        full = " ".join(parts)
    done = base_of(parts[-1])
    counted = type_ == "INTEGER" and parts[0] != "year" and (len(parts) > 1 or full in _COUNTED)
    if done and done[1] == "past" and counted:
        return PropertyWords((f"number of {full}" if len(parts) > 1 else f"number {full}",))
    if done and done[1] == "past" and (type_ == "INTEGER" or "DATE" in type_):
        return _when(full, "year" if number else "date")
    if type_ == "INTEGER" and plural(singular(parts[-1])) == parts[-1] != singular(parts[-1]):
        return _how_many(full)
    found = PROPERTIES.get(parts[-1]) or PROPERTIES.get(ALIASES.get(parts[-1], ""), PropertyWords())
    if len(parts) == 1 or (number and parts[-1] in _MEASURES):
        return replace(found, nouns=(full,) if len(parts) > 1 or not found.nouns else found.nouns, asks=(), before=())
    return PropertyWords((full,), unit=found.unit)


_UNITS = {u: u for u in spaced("mg kg km cm mm ms ml")} | {u: u.upper() for u in spaced("eur usd gbp chf")}
_DOES = {verb(base).third: base for base in spaced("open close expire begin start end depart arrive leave")}
_COUNTED = frozenset(spaced("sold downloaded viewed played liked shared stocked used consumed scored visited cited"))
_MEASURES = frozenset(spaced("price cost weight height length depth area distance speed salary age capacity"))


def _when(done: str, what: str) -> PropertyWords:
    """Words for `launched`, `discovered`, `filed`: a moment at which something was done."""
    return PropertyWords(
        (f"{what} {done}", f"{done} {what}", f"{what} {done}"),
        asks=(
            f"when was {{x}} {done}",
            f"what {what} was {{x}} {done}",
            f"on what {what} was {{x}} {done}".replace("on what year", "in what year"),
        ),
        equal=(f"{done} in {{v}}", f"that {{were}} {done} in {{v}}"),
        more=(f"{done} after {{v}}", f"that {{were}} {done} after {{v}}", f"{done} later than {{v}}"),
        less=(f"{done} before {{v}}", f"that {{were}} {done} before {{v}}", f"{done} earlier than {{v}}"),
        between=(f"{done} between {{a}} and {{b}}", f"{done} from {{a}} to {{b}}"),
        most=(f"most recently {done}", "newest", "latest"),
        least=(f"first {done}", "earliest", "oldest"),
        higher=("newer",),
        lower=("older",),
    )


def _dated(found: PropertyWords, type_: str) -> PropertyWords:
    """The words for a year, for a property that is a whole date: birth date and not birth year."""
    if not ("DATE" in type_ and any("year" in noun.split() for noun in found.nouns)):
        return found
    nouns = tuple(dict.fromkeys(re.sub(r"\byear\b", "date", noun) for noun in found.nouns))
    return replace(found, nouns=nouns, asks=tuple(ask for ask in found.asks if "year" not in ask))


def _how_many(things: str) -> PropertyWords:
    """Words for `floors`, `students`, `visitors`: a number of things."""
    return PropertyWords(
        (f"number of {things}", f"{singular(things)} count", f"number of {things}"),
        asks=(f"how many {things} does {{x}} have", f"how many {things} are there in {{x}}"),
        equal=(f"with {{v}} {things}", f"that {{has}} {{v}} {things}"),
        more=(f"with more than {{v}} {things}", f"with over {{v}} {things}", f"that {{has}} more than {{v}} {things}"),
        less=(
            f"with fewer than {{v}} {things}",
            f"with less than {{v}} {things}",
            f"that {{has}} fewer than {{v}} {things}",
        ),
        between=(f"with between {{a}} and {{b}} {things}", f"with {{a}} to {{b}} {things}"),
    )
