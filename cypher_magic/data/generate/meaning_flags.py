"""Asks for what is true or false: whether a thing is urgent, and things together with whether they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cypher_magic.data.generate.sentences import SHOW, order, question, terse
from cypher_magic.data.generate.words import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cypher_magic.data.generate.flags import Flag
    from cypher_magic.data.generate.saying import Saying
    from cypher_magic.data.generate.thing import Thing


def say_whether(s: Saying, flag: Flag, x: str) -> str:
    """Whether it is true of one named thing."""
    v, asked = s.voice, flag.asked(x)
    how = v.pick("flag", [0, 0, 1, 2])
    if how == 0:
        return question(v, asked)
    fact = f"whether {x} {flag.clause(True, many=False)}"
    if how == 1:
        return order(v, f"{v.say('[Tell me|Find out|Show|Check|Look up|I want to know|I need to know]')} {fact}")
    return question(v, f"{v.say('[can you tell me|could you tell me|do you know]')} {fact}")


def say_columns(s: Saying, thing: Thing, names: Sequence[str], flags: Sequence[Flag]) -> str:
    """Things with some properties and with whether something is true of them."""
    v, many = s.voice, s.many(thing)
    nouns = [v.vary(s.words(name, thing.label).nouns) for name in names]
    whether = " and ".join(f"whether they {f.clause(True, many=True)}" for f in flags)
    their = f"with their {' and '.join(nouns)} and {whether}" if nouns else v.say(f"[and|with] {whether}")
    how = v.pick("cols", [0, 1, 2])
    if how == 0:
        return order(v, f"{v.say(v.vary(SHOW))} {v.vary(['', 'the ', 'all '])}{many} {their}")
    if how == 1:
        key = plural(v.vary(s.words(thing.key or "name", thing.label).nouns))
        whats = ", ".join([key, *(plural(n) for n in nouns)])
        asked = " and ".join(f.asked("they", many=True) for f in flags)
        return question(v, f"what are the {whats} of {v.vary(['the ', 'all ', ''])}{many}, and {asked}")
    return terse(v, f"{many} {their}")
