"""Whether a question goes on from the one before it, told from its words alone.

A small tuned model that gets turns before a question takes it for a follow-up: on the demo graph it answered 8 of 110
questions of their own right behind another question, 54 without; and of 39 follow-ups 2 without the turns before
them, 30 with. So turns are given to follow-ups only. A question is one when

- it begins like one: "and", "what about", "which of them", "only those", "include", "same for", "the latest one";
- it says they, them, those, these, it, he, she, his, her, their, its or ones, and names nothing before that which the
  word could stand for ("List movies and their genres" is a question of its own, "And their genres?" is not); or
- it has no word of its own: "How many are there?", "Which is the oldest?".

Everything else is a question of its own. `--follow-up` and `--new` say it where the rule is wrong.
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
_QUOTED = re.compile(r"\"[^\"]+\"|“[^”]+”|(?<!\w)'[^']+'(?!\w)")
_OPENING = re.compile(
    r"(?:and|but|also|plus|then|now|only|just|instead|or|ok|okay|what about|how about|(?:the )?same (?:for|with)|"
    r"(?:and )?(?:which|who|how many|any|some|all|none|most|one|what) of (?:them|those|these)|of (?:them|those|these)|"
    r"which ones?|what else|who else|include|add|keep|leave out|drop|without|with (?:their|its|his|her|the)|"
    r"sort|order|group|count|limit)\b"
)
_WHOLE = _words("add count drop group include limit order sort")  # these begin questions of their own too
_STANDING = _words("he her hers him his it its ones she their theirs them these they those")
_SUBJECTS = _words("he it she these they those")
_IMPERSONAL = _words("correct possible right true")
_RELATIVE = (["who"], ["that"], ["whose"], ["which"])
_EARLY = 4  # words; a verb and its subject that stand turned round later than that begin a second question
_VERBS = _words("are can could did do does had has have is was were will would")
_EMPTY = _words(
    "a all altogether an and any are average be by can count did do does each every first give have how i "
    "in is it last latest least list many maximum me mean minimum more most much number of one only "
    "overall please really recent show so sum tell that the then there this top total was were what when "
    "where which who whom with would you"
)
_NO_PLURAL = _words("as does has hers his is its others theirs this was")
_SINGULAR = _words("anyone everybody everyone people person somebody someone")
_LONGEST = 9  # words; what takes more to say has words of its own


def follows(question: str) -> bool:
    """Whether the question can only be understood after another one."""
    text = _QUOTED.sub(" Quoted ", question)
    spoken = _WORD.findall(text)
    words = [w.lower() for w in spoken]
    if not words:
        return False
    begins = _OPENING.match(" ".join(words))
    alone = begins and words[0] not in _WHOLE and not begins[0].endswith("else")
    if begins and (alone or len(words) <= 2 or not _names(spoken[1:])):
        return True
    if len(words) <= _LONGEST and all(w in _EMPTY or w.endswith("est") or w.isdigit() for w in words):
        return True
    return any(_refers(spoken, words, at) for at in range(len(words)))


def _refers(spoken: list[str], words: list[str], at: int) -> bool:
    """Whether the word at this place stands for something that is not in the question."""
    word, after = words[at], words[at + 1 : at + 2]
    if word == "one" and at == len(words) - 1 and 1 < at <= _EARLY:
        return not _names(spoken[:at])
    if word not in _STANDING or (at and spoken[at][0].isupper()):  # a name, of a film say: Who directed Her?
        return False
    if (word == "it" and after and after[0] in _IMPERSONAL) or (at and word == "those" and after[:1] in _RELATIVE):
        return False
    if word in _SUBJECTS and 0 < at <= _EARLY and words[at - 1] in _VERBS:
        return True  # Which movies did they direct?
    return not _names(spoken[:at]) and not (at > _EARLY and words[0] in ("which", "what") and words[1] not in _EMPTY)


def _names(spoken: list[str]) -> bool:
    """Whether these words name something that a later word could stand for: a name, or things in the plural."""
    for at, word in enumerate(spoken):
        if at and word[0].isupper() or word.isdigit() and len(word) == 4:
            return True
        lower = word.lower()
        if lower in _SINGULAR:
            return True
        if len(lower) > 2 and lower.endswith("s") and not lower.endswith("ss") and lower not in _NO_PLURAL:
            return True
        if spoken[at - 1 : at] and spoken[at - 1].lower() in ("a", "an", "each", "every") and lower not in _EMPTY:
            return True
    return False
