"""English as far as names in a graph need it: words of a name, plurals, articles, and the forms of a verb."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cypher_magic.data.generate.spaced import spaced

_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+")

_PLURALS = {
    "person": "people", "child": "children", "man": "men", "woman": "women", "foot": "feet", "mouse": "mice",
    "criterion": "criteria", "datum": "data", "analysis": "analyses", "index": "indexes", "matrix": "matrices",
    "vertex": "vertices", "leaf": "leaves", "half": "halves", "shelf": "shelves", "knife": "knives", "life": "lives",
    "hero": "heroes", "potato": "potatoes", "tomato": "tomatoes", "basis": "bases", "crisis": "crises",
    "thesis": "theses", "staff": "staff", "equipment": "equipment", "series": "series", "species": "species",
    "aircraft": "aircraft", "software": "software", "hardware": "hardware", "news": "news", "music": "music",
    "information": "information", "revenue": "revenues", "salesperson": "salespeople", "quiz": "quizzes",
    "cast": "cast", "crew": "crew", "money": "money", "data": "data", "media": "media", "genus": "genera",
}  # fmt: skip
_SINGULARS = {many: one for one, many in _PLURALS.items()}

# base: past, participle (where past and participle are one, once)
_IRREGULAR = {
    "be": "was been", "become": "became become", "begin": "began begun", "bear": "bore born", "beat": "beat beaten",
    "bind": "bound", "break": "broke broken", "bring": "brought", "build": "built", "buy": "bought",
    "catch": "caught", "choose": "chose chosen", "come": "came come", "cut": "cut", "deal": "dealt", "do": "did done",
    "draw": "drew drawn", "drink": "drank drunk", "drive": "drove driven", "eat": "ate eaten", "feed": "fed",
    "feel": "felt", "fight": "fought", "find": "found", "fly": "flew flown", "forecast": "forecast", "get": "got",
    "give": "gave given", "go": "went gone", "grow": "grew grown", "have": "had", "hear": "heard", "hide": "hid hidden",
    "hit": "hit", "hold": "held", "keep": "kept", "know": "knew known", "lay": "laid", "lead": "led", "learn": "learned",
    "leave": "left", "lend": "lent", "let": "let", "lose": "lost", "make": "made", "mean": "meant", "meet": "met",
    "outsource": "outsourced", "pay": "paid", "put": "put", "read": "read", "ride": "rode ridden", "rise": "rose risen",
    "run": "ran run", "say": "said", "see": "saw seen", "sell": "sold", "send": "sent", "set": "set",
    "shoot": "shot", "show": "showed shown", "sing": "sang sung", "sit": "sat", "speak": "spoke spoken",
    "spend": "spent", "split": "split", "stand": "stood", "strike": "struck", "steal": "stole stolen", "swim": "swam swum",
    "take": "took taken", "teach": "taught", "tell": "told", "think": "thought", "throw": "threw thrown",
    "understand": "understood", "wear": "wore worn", "win": "won", "write": "wrote written", "offset": "offset",
    "oversee": "oversaw overseen", "cast": "cast", "bet": "bet", "bid": "bid", "undergo": "underwent undergone",
}  # fmt: skip
_BASES = {form: base for base, forms in _IRREGULAR.items() for form in forms.split() if form != "found"}
_DOUBLING = frozenset(
    spaced("ship stop plan tag map log star refer transfer submit commit permit ban trap drop swap chat")
)
_E_VERBS = frozenset(spaced(
    "act_ac produce rate release manage write create like love use invite locate use own_ purchase receive advise "
    "supervise issue complete store include require acquire hire describe explore share trade cause score host_ "
    "live move serve prove name base place change schedule execute invoke route translate donate operate participate "
    "compete compose celebrate generate automate authenticate allocate dedicate educate evaluate illustrate "
    "incorporate indicate integrate investigate nominate separate terminate update validate approve remove improve "
    "observe resolve involve solve save leave receive believe achieve charge engage merge damage package message "
    "exchange arrange replace reduce introduce influence reference announce sponsor_ finance balance dance race trace "
    "price service practice notice close house license purchase increase decrease promise exercise organise organize "
    "analyse analyze specialise specialize recognise recognize authorise authorize realise realize prize seize size "
    "raise praise browse cure capture feature measure insure configure ensure figure treasure picture structure explore "
    "ignore restore adore declare prepare compare care fire wire expire inspire require retire admire desire measure "
    "bake take make like stake invoke provoke evoke smoke joke code decode encode provide divide decide guide ride "
    "reside preside include conclude exclude trade upgrade grade invade define combine determine examine imagine "
    "refine mine join_ line shine assume consume resume presume name tame frame blame game time come welcome type "
    "escape shape hope cope scope recipe pipe handle settle schedule rule tackle enable sample couple trouble file "
    "compile profile style smile while rescue value continue argue issue pursue queue die lie tie age stage cache "
    "agree see free note vote quote rate state date debate locate relate communicate associate appreciate collaborate "
    "cooperate delegate duplicate estimate facilitate formulate inhibite_ initiate isolate motivate negotiate originate "
    "populate predicate regulate replicate simulate stimulate tolerate activate contribute_ distribute attribute "
    "execute institute substitute dispute compute cite site invite write unite delete complete compete"
)) - frozenset({"act_ac", "own_", "host_", "sponsor_", "join_", "inhibite_"}) | {"contribute"}  # fmt: skip


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
    """The plural of the last word, or of the one in front of "of"."""
    if " of " in noun:
        first, _, rest = noun.partition(" of ")
        return f"{plural(first)} of {rest}"
    head, _, last = noun.rpartition(" ")
    if last in _PLURALS:
        many = _PLURALS[last]
    elif last in _SINGULARS or (len(last) > 4 and singular(last) != last and not last.endswith("ss")):
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
    elif last in _PLURALS:
        one = last
    elif last.endswith("ies") and len(last) > 4:
        one = last[:-3] + "y"
    elif re.search(r"(ss|x|z|ch|sh)es$", last):
        one = last[:-2]
    elif re.search(r"[^suiy]s$", last) and len(last) > 3:
        one = last[:-1]
    else:
        one = last
    return f"{head} {one}".strip()


def article(noun: str) -> str:
    """The noun with "a" or "an"."""
    an = re.match(r"(?:[aeio]|u(?!ni|se|ti)|hour|heir|honest|imdb|x-)", noun, re.IGNORECASE)
    return f"{'an' if an else 'a'} {noun}"


def verb(base: str, particle: str = "") -> Verb:
    """All forms of a verb from its base."""
    third = _third(base)
    if base in _IRREGULAR:
        past, _, participle = _IRREGULAR[base].partition(" ")
        return Verb(base, third, past, participle or past, _ing(base), particle)
    past = _past(base)
    return Verb(base, third, past, past, _ing(base), particle)


_ED_NOUNS = frozenset(spaced("need feed seed speed breed bleed proceed exceed succeed embed shed red bed hundred"))


def base_of(form: str) -> tuple[str, str] | None:
    """The base of a verb form and which form it is: ("act", "past") for "acted"; None for what looks like no verb."""
    if form in _BASES:
        return _BASES[form], "past"
    if form == "found" or form == "founded":
        return "found", "past"
    if form.endswith("ed") and len(form) > 3 and form not in _ED_NOUNS:
        return _stem(form[:-2], form[:-1]), "past"
    if form.endswith("ing") and len(form) > 5:
        return _stem(form[:-3], form[:-3] + "e"), "ing"
    return None


def _stem(bare: str, with_e: str) -> str:
    if with_e in _E_VERBS:
        return with_e
    if bare.endswith("i"):
        return bare[:-1] + "y"
    if len(bare) > 3 and bare[-1] == bare[-2] and bare[:-1] in _DOUBLING:
        return bare[:-1]
    if re.search(r"(?:at|iz|ov|iv|lv|rv|uc|nc|dg|ag|ur|ir|ar|os|is|us|ut|id|ud)$", bare) and bare not in _PLAIN:
        return bare + "e"
    return bare


_PLAIN = frozenset(
    spaced(
        "visit edit audit exit credit profit limit repeat treat heat eat seat float hear appear clear repair star occur "
        "focus discuss sign connect contact avoid aid raid bid add cloud load upload download upload read lead need feed "
        "fund attend defend depend spend extend recommend record award reward forward board guard scout recruit debut "
        "request test boat coat repair chair pair air wear bear fear gear near spot root boot shout about tour pour "
        "partner layout checkout input output monitor"
    )
)


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
    return (base + base[-1] if base in _DOUBLING else base) + "ed"


def _ing(base: str) -> str:
    if base in ("be", "see", "oversee", "agree"):
        return base + "ing"
    if base.endswith("ie"):
        return base[:-2] + "ying"
    if base.endswith("e"):
        return base[:-1] + "ing"
    doubled = base in _DOUBLING or base in (
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
