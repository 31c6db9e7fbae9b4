"""English as far as names in a graph need it: words of a name, plurals, articles, and the forms of a verb."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cypher_magic.data.generate.lexicon_forms import (
    DOUBLING,
    E_VERBS,
    ED_NOUNS,
    IRREGULAR,
    NO_MEN,
    OTHER_PLURALS,
    PLAIN,
    PLURALS,
)

_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+")

_SINGULARS = {many: one for one, many in PLURALS.items()} | OTHER_PLURALS
_SIS = re.compile(r"(\w*(?:gno|aly|nthe|othe|sthe|sta|empha)s)(is|es)\Z")  # diagnosis, analysis, hypothesis
_MIDDLE = re.compile(r" (?:of|per|in|on|at|for|to|by|with) ")

_BASES = {form: base for base, forms in IRREGULAR.items() for form in forms.split() if form != "found"}


@dataclass(frozen=True)
class Verb:
    """The forms of a verb; `particle` is what stands behind it: act *in*, depend *on*."""

    base: str
    third: str
    past: str
    participle: str
    ing: str
    particle: str = ""

    def form(self, name: str) -> str:
        """A form with its particle: `form("past")` of act in is "acted in"."""
        return f"{getattr(self, name)} {self.particle}".strip()


def words(name: str) -> list[str]:
    """The words of a name, in lower case: `actedIn`, `ACTED_IN` and `Acted in` are all ["acted", "in"]."""
    return [part.lower() for part in _PARTS.findall(name)] or [name.strip().lower() or name]


def plural(noun: str) -> str:
    """The plural of the last word, or of the one in front of "of", "per", "in" ..."""
    if middle := _MIDDLE.search(noun):
        return f"{plural(noun[: middle.start()])}{noun[middle.start() :]}"
    head, _, last = noun.rpartition(" ")
    if head.rstrip("s") in ("date", "year") and (base_of(last) or ("", ""))[1] == "past":
        return f"{head.rstrip('s')}s {last}"  # dates filed
    if last in PLURALS:
        many = PLURALS[last]
    elif last.endswith("sis"):
        many = last[:-2] + "es"
    elif last.endswith("man") and len(last) > 4 and last not in NO_MEN:
        many = last[:-2] + "en"
    elif last in _SINGULARS or (len(last) > 3 and singular(last) != last and not last.endswith("ss")):
        many = last
    elif re.search(r"[^aeiou]y$", last):
        many = last[:-1] + "ies"
    elif re.search(r"(s|x|z|ch|sh)$", last):
        many = last + "es"
    else:
        many = last + "s"
    return f"{head} {many}".strip()


def singular(noun: str) -> str:
    """The singular of the last word; a word that is no plural stays."""
    head, _, last = noun.rpartition(" ")
    if last in _SINGULARS:
        one = _SINGULARS[last]
    elif last in PLURALS:
        one = last
    elif last in ("movies", "cookies", "calories", "rookies", "zombies", "pies", "ties"):
        one = last[:-1]
    elif found := _SIS.match(last):
        one = found[1] + "is"
    elif last.endswith("men") and len(last) > 5 and last not in NO_MEN:
        one = last[:-2] + "an"
    elif last.endswith("ies") and len(last) > 4:
        one = last[:-3] + "y"
    elif re.search(r"[aiou]zes$|[aeou]ys$", last):
        one = last[:-1]
    elif re.search(r"(ss|x|z|ch|sh)es$", last):
        one = last[:-2]
    elif re.search(r"[^suiy]s$", last) and len(last) > 3:
        one = last[:-1]
    else:
        one = last
    return f"{head} {one}".strip()


def is_plural(noun: str) -> bool:
    """Whether a noun speaks of several things: allergies, hours per week."""
    first = _MIDDLE.split(noun)[0]
    return plural(first) == first != singular(first)


def article(noun: str) -> str:
    """The noun with "a" or "an"."""
    return f"{'an' if _AN.match(noun) or _SPELT.match(noun) else 'a'} {noun}"


_AN = re.compile(
    r"[ai]|e(?!u)|o(?!ne\b|nce\b)|u(?!ni(?!n|m)|s[aeu]|ti)|hour|heir|honest|x-|8|1[18](?:\b|\d\d\b)", re.IGNORECASE
)


_SPELT = re.compile(r"[EFHLMNRSX](?![AEIOUY])[A-Z]+\b")  # an XSS, an MRI; but a NASA


def with_article(noun: str) -> str:
    """The noun with "a" or "an", a plural one without."""
    return noun if is_plural(noun) else article(noun)


def verb(base: str, particle: str = "") -> Verb:
    """All forms of a verb from its base."""
    third = _third(base)
    if base in IRREGULAR:
        past, _, participle = IRREGULAR[base].partition(" ")
        return Verb(base, third, past, participle or past, _ing(base), particle)
    past = _past(base)
    return Verb(base, third, past, past, _ing(base), particle)


def base_of(form: str) -> tuple[str, str] | None:
    """The base of a verb form and which form it is: ("act", "past") for "acted"; None for what looks like no verb."""
    if form in _BASES:
        return _BASES[form], "past"
    if form == "found" or form == "founded":
        return "found", "past"
    if form.endswith("ed") and len(form) > 3 and form not in ED_NOUNS:
        return _stem(form[:-2], form[:-1]), "past"
    if form.endswith("ing") and len(form) > 5:
        return _stem(form[:-3], form[:-3] + "e"), "ing"
    return None


def _stem(bare: str, with_e: str) -> str:
    if with_e in E_VERBS:
        return with_e
    if bare.endswith("i"):
        return bare[:-1] + "y"
    if len(bare) > 3 and bare[-1] == bare[-2] and bare[:-1] in DOUBLING:
        return bare[:-1]
    if re.search(r"(?:at|iz|ov|iv|lv|rv|uc|nc|dg|ag|ur|ir|ar|os|is|us|ut|id|ud)$", bare) and bare not in PLAIN:
        return bare + "e"
    return bare


def _third(base: str) -> str:
    if base == "have":
        return "has"
    if base == "be":
        return "is"
    if re.search(r"[^aeiou]y$", base):
        return base[:-1] + "ies"
    return base + ("es" if re.search(r"(s|x|z|ch|sh|o)$", base) else "s")


def _past(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if re.search(r"[^aeiou]y$", base):
        return base[:-1] + "ied"
    return (base + base[-1] if base in DOUBLING else base) + "ed"


def _ing(base: str) -> str:
    if base in ("be", "see", "oversee", "agree"):
        return base + "ing"
    if base.endswith("ie"):
        return base[:-2] + "ying"
    if base.endswith("e"):
        return base[:-1] + "ing"
    doubled = base in DOUBLING or base in (
        "run",
        "win",
        "get",
        "put",
        "cut",
        "sit",
        "swim",
        "set",
        "hit",
        "begin",
        "let",
    )
    return (base + base[-1] if doubled else base) + "ing"
