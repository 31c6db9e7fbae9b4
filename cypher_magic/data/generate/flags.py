"""Properties that are true or false in words: what is urgent, has insurance, can fly, is marked as emergency."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cypher_magic.data.generate.lexicon_verbs import PARTICLES, VERBS
from cypher_magic.data.generate.spaced import spaced
from cypher_magic.data.generate.words import base_of, is_plural, verb, with_article

_ADJECTIVES = frozenset(
    spaced("""
    active urgent open new free public private online offline available male female remote vegan vegetarian
    valid dry hot cold safe alive dead ready full empty true fake live main major minor spicy smart rare common
    wild domestic secure current former prime junior senior direct overdue due visible missing outstanding
    pending existing working running recurring ongoing retired married single pregnant manual external internal
    critical abnormal normal final global local national foreign official legal fragile abroad adult old young
    big small good bad fast slow cheap clean dirty healthy sick happy holy primary secondary temporary mandatory
    obsolete complete incomplete unique organic electric accessible
    """)
)
_LOOKS = re.compile(r"\w{2,}(?:ed|able|ible|ical|onal|ral|ic|ive|ous|ful|less|[^m]ent|ular|ish|proof)\Z")
_NOUNS = frozenset(
    spaced("""
    bed seed feed need speed breed agent client parent patient student component accident incident event
    president content talent tent music traffic clinic topic logic metric critic fabric mechanic graphic drive
    archive incentive executive narrative hospital referral vegetable variable cable table deductible
    """)
)


@dataclass(frozen=True)
class Flag:
    """What is said of a thing for which the property is true: it IS urgent, HAS insurance, CAN fly, DOES allow pets."""

    auxiliary: str  # be, have, had (a participle follows), can, do, mark (nothing is known but its name)
    said: str

    def clause(self, yes: bool, *, many: bool) -> str:
        """What stands behind "that": are urgent, does not have insurance, can not fly."""
        third = 2 if many else 1
        form = _FORMS[self.auxiliary]
        return f"{form[third] if yes else form[third + 2]} {self.said}"

    def asked(self, x: str, *, many: bool = False) -> str:
        """The question of one thing (or of them): is Jaws urgent, does it have insurance."""
        return _FORMS[self.auxiliary][0].format(x=x, be="are" if many else "is", do="do" if many else "does",
                                                has="have" if many else "has", said=self.said)  # fmt: skip

    @property
    def before(self) -> str:
        """What may stand in front of a noun: urgent; "" where nothing may."""
        return self.said if self.auxiliary == "be" and " " not in self.said else ""


# the question; then for one and for many what is so, and what is not so
_FORMS = {
    "be": ("{be} {x} {said}", "is", "are", "is not", "are not"),
    "have": ("{do} {x} have {said}", "has", "have", "does not have", "do not have"),
    "had": ("{has} {x} {said}", "has", "have", "has not", "have not"),
    "can": ("can {x} {said}", "can", "can", "can not", "can not"),
    "do": ("{do} {x} {said}", "does", "do", "does not", "do not"),
    "mark": ("{be} {x} marked as {said}", "is marked as", "are marked as", "is not marked as", "are not marked as"),
}


def flag(parts: list[str]) -> Flag:
    """How the words of a name say that something is so."""
    first, rest = parts[0], " ".join(parts[1:])
    if first in ("is", "are", "was") and rest:
        return Flag("be" if _adjective(parts[1:]) else "mark", rest)
    if first in ("has", "have", "had") and rest:
        done = base_of(parts[1])
        return Flag("had", rest) if done and done[1] == "past" else Flag("have", _owned(rest))
    if first in ("can", "may") and rest:
        return Flag("can", rest)
    base = next((b for b in (first[:-1], first[:-2]) if b in VERBS and verb(b).third == first), "")
    if base and rest:
        return Flag("do", f"{base} {rest}")
    return Flag("be" if _adjective(parts) else "mark", " ".join(parts))


def _owned(noun: str) -> str:
    """A thing that one has: insurance, a garden."""
    return with_article(noun) if noun in _COUNTED or is_plural(noun) else noun


_COUNTED = frozenset(
    spaced(
        "garden pool balcony lift elevator garage kitchen website car licence license visa pet passport gym restaurant"
    )
)


def _adjective(parts: list[str]) -> bool:
    """Whether the words say what something is like: chronic, on call, sold out."""
    if parts[0] in PARTICLES:
        return len(parts) > 1
    word = parts[-1] if parts[-1] not in PARTICLES else parts[0]
    done = base_of(word)
    known = word in _ADJECTIVES or bool(done and done[1] == "past") or bool(_LOOKS.match(word))
    return known and word not in _NOUNS and not word.endswith("ment")
