"""Words whose forms do not follow the rules in `words.py`."""

from __future__ import annotations

from cypher_magic.data.generate.spaced import spaced

PLURALS = {
    "person": "people", "child": "children", "man": "men", "woman": "women", "foot": "feet", "mouse": "mice",
    "criterion": "criteria", "datum": "data", "analysis": "analyses", "index": "indexes", "matrix": "matrices",
    "vertex": "vertices", "leaf": "leaves", "half": "halves", "shelf": "shelves", "knife": "knives", "life": "lives",
    "hero": "heroes", "potato": "potatoes", "tomato": "tomatoes", "basis": "bases", "crisis": "crises",
    "thesis": "theses", "staff": "staff", "equipment": "equipment", "series": "series", "species": "species",
    "aircraft": "aircraft", "software": "software", "hardware": "hardware", "news": "news", "music": "music",
    "information": "information", "revenue": "revenues", "salesperson": "salespeople", "quiz": "quizzes",
    "cast": "cast", "crew": "crew", "money": "money", "data": "data", "media": "media", "genus": "genera",
    "axis": "axes", "phenomenon": "phenomena", "bacterium": "bacteria", "stimulus": "stimuli", "nucleus": "nuclei",
    "curriculum": "curricula", "spectrum": "spectra", "appendix": "appendices", "alumnus": "alumni", "larva": "larvae",
    "wolf": "wolves", "thief": "thieves", "wife": "wives", "tooth": "teeth", "goose": "geese", "echo": "echoes",
    "lens": "lenses", "gas": "gases", "alias": "aliases", "bias": "biases", "canvas": "canvases", "atlas": "atlases",
    "chassis": "chassis", "headquarters": "headquarters", "premises": "premises", "diabetes": "diabetes",
    "analytics": "analytics", "logistics": "logistics", "statistics": "statistics", "physics": "physics",
    "status": "statuses", "bus": "buses", "virus": "viruses", "campus": "campuses", "bonus": "bonuses", "census": "censuses",
    "radius": "radii", "fungus": "fungi", "ox": "oxen", "oasis": "oases", "os": "os", "api": "apis", "ip": "ips",
    "cpu": "cpus", "gpu": "gpus", "sku": "skus", "menu": "menus", "taxi": "taxis",
    "sheep": "sheep", "fish": "fish", "feedback": "feedback", "furniture": "furniture", "middleware": "middleware",
}  # fmt: skip

OTHER_PLURALS = {  # plurals that are read, but not written here
    "indices": "index", "appendixes": "appendix", "vertexes": "vertex", "matrixes": "matrix", "persons": "person",
    "criterions": "criterion", "formulae": "formula", "schemata": "schema", "curriculums": "curriculum",
}  # fmt: skip

NO_MEN = frozenset(  # words in -man and -men that men have no part in
    spaced("human german roman shaman ottoman talisman norman caiman regimen specimen abdomen acumen stamen")
)

IRREGULAR = {
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

DOUBLING = frozenset(
    spaced("ship stop plan tag map log star refer transfer submit commit permit ban trap drop swap chat admit")
)

E_VERBS = frozenset(spaced(
    "produce rate release manage write create like love use invite locate use purchase receive advise "
    "supervise issue complete store include require acquire hire describe explore share trade cause score "
    "live move serve prove name base place change schedule execute invoke route translate donate operate participate "
    "compete compose celebrate generate automate authenticate allocate dedicate educate evaluate illustrate "
    "incorporate indicate integrate investigate nominate separate terminate update validate approve remove improve "
    "observe resolve involve solve save leave receive believe achieve charge engage merge damage package message "
    "exchange arrange replace reduce introduce influence reference announce finance balance dance race trace "
    "price service practice notice close house license purchase increase decrease promise exercise organise organize "
    "analyse analyze specialise specialize recognise recognize authorise authorize realise realize prize seize size "
    "raise praise browse cure capture feature measure insure configure ensure figure treasure picture structure explore "
    "ignore restore adore declare prepare compare care fire wire expire inspire require retire admire desire measure "
    "bake take make like stake invoke provoke evoke smoke joke code decode encode provide divide decide guide ride "
    "reside preside include conclude exclude trade upgrade grade invade define combine determine examine imagine "
    "refine mine line shine assume consume resume presume name tame frame blame game time come welcome type "
    "escape shape hope cope scope recipe pipe handle settle schedule rule tackle enable sample couple trouble file "
    "compile profile style smile while rescue value continue argue issue pursue queue die lie tie age stage cache "
    "agree see free note vote quote rate state date debate locate relate communicate associate appreciate collaborate "
    "cooperate delegate duplicate estimate facilitate formulate initiate isolate motivate negotiate originate "
    "populate predicate regulate replicate simulate stimulate tolerate activate contribute distribute attribute "
    "execute institute substitute dispute compute cite site invite write unite delete complete compete"
))  # fmt: skip

ED_NOUNS = frozenset(spaced("need feed seed speed breed bleed proceed exceed succeed embed shed red bed hundred"))

PLAIN = frozenset(
    spaced(
        "visit edit audit exit credit profit limit repeat treat heat eat seat float hear appear clear repair star occur "
        "focus discuss sign connect contact avoid aid raid bid add cloud load upload download upload read lead need feed "
        "fund attend defend depend spend extend recommend record award reward forward board guard scout recruit debut "
        "request test boat coat repair chair pair air wear bear fear gear near spot root boot shout about tour pour "
        "partner layout checkout input output monitor"
    )
)
