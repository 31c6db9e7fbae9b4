"""Which words of a relationship's name are verbs, and what stands behind them."""

from __future__ import annotations

from cypher_magic.data.generate.spaced import spaced

PARTICLES = frozenset(
    spaced(
        "in on at to from of for with by about into over under through near as against after via onto upon off up down between"
    )
)
INTRANSITIVE = frozenset(  # "acted in" is what somebody did; "located in", "shipped from" is what something is
    spaced("""act work live play apply participate appear compete listen subscribe vote travel depart arrive talk move die contribute
    refer respond belong invest comment preside log land look walk stay study graduate reply retire score collaborate coauthor
    partner interact go fly eat sit stand hang lie come fall run leave meet deal bid fight reside wait sleep swim train bet star
    debut perform lead speak depend rely focus specialize occur happen start end begin stop migrate transfer""")
)
VERBS = frozenset(
    spaced("""act know follow like love work live supply depend use own contain include belong report manage lead buy purchase sell
    order make produce write direct create develop maintain require need import call connect link run host deploy store stock
    ship fly depart arrive operate border flow speak study attend take teach advise publish cite mention edit translate play
    coach win compete participate visit travel join send receive pay transfer invest acquire found post comment tag subscribe
    sponsor borrow lend complete block fix represent defend judge sign feature treat generate power feed monitor drive pilot
    serve cook eat grow exhibit paint collect govern vote influence discover invent award specialize listen watch read view rate
    review employ hire supervise affect cause support cover provide offer deliver handle process trigger invoke extend implement
    inherit override expose consume emit authenticate grant allow prefer recommend trust invite charge bill refund organise
    organize reside come go move lie sit leave carry replace substitute hold cross pass give head train reference portray air
    broadcast show list guide encode bind inhabit inhibit regulate present chair cultivate insure exploit orbit circle yield
    describe explain document discuss exhibit concern rival mentor measure apply overrule name quote stand start stop appear
    refer contribute collaborate interact communicate reply share occur prey relate board care look code hang deal begin end
    manufacture build trade bring get keep assemble design test approve audit verify validate load unload sing dance record
    release star perform compose conduct detect diagnose prescribe hit strike damage destroy protect secure encrypt scan
    examine violate mitigate certify precede succeed accept reject modify satisfy fulfil fulfill contradict confirm refute
    prevent activate express absorb resolve escalate classify resemble outrank accompany admit discharge consult vaccinate
    immunize transport inspect calculate compute evaluate assess cancel trust occupy surround divide extract transform
    contaminate infect transmit inherit supersede duplicate embed render parse fetch assign""")
)
ADJECTIVES = frozenset(
    spaced("available next close similar equal responsible adjacent near relevant due prior subject opposite")
)
NOT_VERBS = frozenset(spaced("friends series news class address status business process"))
