"""A property compared with values, in words: what stands behind or in front of a noun."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cypher_magic.data.generate.lexicon_comparisons import ABOVE, GENERIC, MOMENT, ON_RELATIONSHIP, WHEN, YEARLY
from cypher_magic.data.generate.literals import said
from cypher_magic.data.generate.naming import Noun, Part
from cypher_magic.data.generate.spaced import spaced
from cypher_magic.data.generate.words import is_plural, plural, singular, with_article, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cypher_magic.data.generate.conditions import Has
    from cypher_magic.data.generate.lexicon_properties import PropertyWords
    from cypher_magic.data.generate.voice import Voice

GIVEN = frozenset(spaced("rating score stars grade mark points"))  # "rated it above 4" tells what is above 4
_TIMES = frozenset(spaced("date year day month time at on when"))  # "reviewed it in 2020" tells what was in 2020
_ONE_HAS = re.compile(r"(whose|where the) \{n\} (is|contains|includes|starts|begins|ends)\b")


def compared(v: Voice, known: PropertyWords, condition: Has, noun_: Noun, many: bool, on: str = "") -> Part:
    """A condition on a property; `on` names the relationship type whose property it is."""
    if known.flag:
        return _flagged(v, known, condition, noun_, many, on)
    noun = v.vary(known.nouns)
    unit = f" {known.unit}" if known.unit and v.chance(0.7) else ""
    values = [said(value) + (unit if condition.what == "number" else "") for value in condition.values]
    in_front = condition.op == "=" and known.before and not on
    if in_front and v.chance(0.2) and condition.what in ("year", "category"):
        return Part(before=known.before[0].format(v=values[0]) if known.before[0] else values[0])
    text = _of_relationship(v, known, condition, on) if on else _of_node(v, known, condition)
    if condition.op == "member":
        text, noun = _among(text, noun, on)
    if is_plural(noun):
        text = _ONE_HAS.sub(lambda m: f"{m[1]} {{n}} {'are' if m[2] == 'is' else m[2][:-1]}", text)
    was = ("were" if many else "was") if "were" in text else ("are" if many else "is")
    text = text.replace("{are}", was).replace("{were}", "were" if many else "was").replace("{s}", "" if many else "s")
    if text.startswith("that "):
        text = f"{noun_.that}{text[4:]}"
    filled = {"v": values[0] if values else "", "n": noun, "N": with_article(noun)}
    filled |= {"a": said(condition.values[0]), "b": values[1]} if len(values) > 1 else {}
    filled["list"] = _either(values)
    if condition.op == "member":
        filled["v"] = said(condition.values[0])
    has, does = ("have", "do") if many else ("has", "does")
    return Part(after=text.format(**filled, has=has, does=does, that=noun_.that))


def _own(known: PropertyWords, op: str) -> tuple[str, ...]:
    """The words that the property has for this comparison, where it has any."""
    return {"=": known.equal, ">": known.more, "<": known.less, "between": known.between}.get(op, ())


def _of_node(v: Voice, known: PropertyWords, condition: Has) -> str:
    forms = _own(known, condition.op)
    if forms and v.pick("own", [("y",), ("y",), ()]):
        return v.vary(forms)
    if condition.what == "moment" and condition.op in MOMENT:
        return v.vary(MOMENT[condition.op])
    if condition.what == "year" and condition.op in YEARLY and known.equal and v.chance(0.7):
        return known.equal[0].replace("{v}", v.vary(YEARLY[condition.op]))
    return v.vary(GENERIC[condition.op])


def _of_relationship(v: Voice, known: PropertyWords, condition: Has, on: str) -> str:
    """Behind "who rated Jaws": words that can not be taken for something said of Jaws."""
    op, forms = condition.op, _own(known, condition.op)
    with_ = [f for f in GENERIC[op] if f.startswith(("with", "as"))]
    if condition.what in ("year", "moment") and op in WHEN:
        if {words(condition.name)[-1]} & _TIMES or words(condition.name)[0] == words(on)[0]:
            return v.pick("rel", WHEN[op])
        return v.vary(forms or ON_RELATIONSHIP[op])
    if condition.what == "number" and op in ABOVE:
        if GIVEN & {*known.nouns}:
            return v.pick("rel", [*ABOVE[op], *ABOVE[op], *GENERIC[op][:3]])
        return v.vary([f for f in forms if f.startswith("with ")] or with_)
    if forms and v.pick("own", [("y",), ("y",), ()]):
        return v.vary(forms)
    return v.vary(with_)


def _among(text: str, noun: str, on: str) -> tuple[str, str]:
    """One value of a list: with the role Rick, with Rick among the roles."""
    if "among" in text:
        return text, plural(noun)
    if text.startswith("as ") and not on:
        return "whose {n} include {v}", plural(noun)
    return text, singular(noun)


def _flagged(v: Voice, known: PropertyWords, condition: Has, noun: Noun, many: bool, on: str) -> Part:
    """What is so, or is not so: urgent appointments, those that are not urgent, those marked as emergency."""
    flag = known.flag
    assert flag
    name = known.nouns[0]
    if condition.op in ("missing", "there"):
        lead = "without a" if condition.op == "missing" else "with a"
        is_ = "is not known" if condition.op == "missing" else "is known"
        return Part(after=v.vary([f"{lead} value for {name}", f"for which {name} {is_}"]))
    yes = bool(condition.values[0])
    if on:
        truth = "true" if yes else "false"
        return Part(after=v.vary([f"with {name} set to {truth}", f"where {name} is {truth}", f"with {name} {truth}"]))
    if yes and flag.before and v.chance(0.35):
        return Part(before=flag.before)
    options = [f"{noun.that} {flag.clause(yes, many=many)}"]
    if flag.auxiliary in ("be", "mark"):
        options += [f"marked as {flag.said}" if yes else f"not marked as {flag.said}"]
    return Part(after=v.vary(options))


def _either(values: Sequence[str]) -> str:
    return f"{', '.join(values[:-1])} or {values[-1]}" if len(values) > 1 else "".join(values)
