"""Invented values: names of people, firms, places and things, numbers and dates, drawn from a random number generator."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Sequence
from typing import Any

from cypher_magic.data.generate.spaced import barred, spaced

_FIRST = spaced(
    "Ada Amir Ana Anders Anouk Aoife Arjun Ayşe Bea Bilal Bruno Carla Chen Chidi Chloé Dana Darius Diego Dilan Ebba Edda "
    "Elena Emeka Emil Esra Fatima Femi Finn Freya Gael Greta Hana Hassan Hugo Ida Ines Ivan Jada Jana Jasper Jin José Jun "
    "Kai Karim Katya Kofi Lars Leila Lena Liam Linh Luca Luz Maja Malik Mara Marek Mateo Mei Mila Mina Nadia Naoko Nell "
    "Niamh Nils Noor Oda Olga Omar Oskar Pablo Petra Pia Priya Quinn Rafael Rania Ravi Renée Rosa Ruben Sami Sanna Sara "
    "Selma Sofia Søren Suki Tariq Tess Theo Tomás Uma Valeria Vera Viktor Wanda Wei Yara Yusuf Zara Zoe John Mary James "
    "Linda Robert Susan Peter Anna Tom Emma Jack Alice George Julia Sam Kate Ben Laura Nick Helen Mark Claire Paul Grace"
)
_LAST = spaced(
    "Abara Adeyemi Almeida Andersson Aydın Bakker Bauer Becker Bianchi Boateng Brandt Brown Byrne Castro Chen Clarke Cohen "
    "Costa Cruz Dahl Das Diaz Dubois Eriksen Farah Fischer Flores Fournier Fuchs Garcia Gomez Gupta Haas Hansen Hassan "
    "Hoffmann Horvat Ibrahim Ito Ivanova Jansen Jensen Joshi Kaya Kelly Khan Kim Klein Koch Kovacs Kowalski Krüger Kumar "
    "Lang Larsen Laurent Lee Lehmann Li Lopez Mancini Martin Mbeki Meyer Mora Moreau Moretti Müller Murphy Nakamura Nguyen "
    "Nielsen Novak Nowak O'Brien O'Neill Okafor Okoye Olsen Ortega Osei Papadopoulos Park Patel Peeters Pereira Petrov "
    "Popescu Quist Rahman Ramos Reyes Ricci Rossi Ruiz Sato Schmidt Schneider Silva Singh Smirnov Smith Sousa Stein Suzuki "
    "Takeda Tanaka Torres Tran Turner Usman Vargas Vega Virtanen Vogel Volkov Wagner Walker Wang Weber White Williams Wong "
    "Wright Yamada Yılmaz Young Zhang Ziegler Taylor Evans Hill Scott Green Adams Baker Carter Cook Parker Bell"
)
_CITIES = spaced(
    "Aarhus Accra Adana Algiers Antwerp Athens Austin Baku Bamako Basel Beirut Belgrade Bergen Berlin Bilbao Bogotá Bonn "
    "Boston Brno Brussels Cairo Cali Chicago Cologne Cork Cusco Dakar Dallas Delhi Denver Doha Dresden Dublin Fez Florence "
    "Fukuoka Geneva Genoa Ghent Graz Hanoi Havana Helsinki Houston Izmir Jaipur Kigali Kobe Kraków Kyoto Lagos Leeds Leipzig "
    "León Lille Lima Lisbon Lyon Madrid Malmö Manila Medellín Milan Minsk Montreal Mumbai Munich Nairobi Naples Nice Odesa "
    "Oslo Osaka Ottawa Palermo Paris Perth Porto Prague Pune Quito Rabat Reykjavík Riga Rome Salzburg Santiago Sapporo "
    "Seattle Seoul Seville Sofia Split Tallinn Tampere Tbilisi Tirana Tokyo Toledo Toronto Tours Tunis Turin Utrecht Vienna "
    "Vilnius Warsaw York Zagreb Zürich"
)
_CITIES += [
    "New York",
    "San Diego",
    "Rio de Janeiro",
    "Cape Town",
    "Buenos Aires",
    "Kuala Lumpur",
    "Las Vegas",
    "Hong Kong",
    "Saint-Étienne",
]
_COUNTRIES = spaced(
    "Argentina Australia Austria Belgium Brazil Canada Chile China Colombia Croatia Cuba Denmark Egypt Estonia Finland France "
    "Germany Ghana Greece Hungary Iceland India Ireland Israel Italy Japan Jordan Kenya Latvia Malta Mexico Morocco Nepal "
    "Netherlands Nigeria Norway Peru Poland Portugal Romania Senegal Spain Sweden Switzerland Tunisia Turkey Ukraine Vietnam USA"
)
_ADJECTIVES = spaced(
    "Amber Ancient Blue Bold Bright Broken Calm Crimson Dark Deep Distant Eastern Electric Empty Endless Fast Final First "
    "Frozen Gentle Golden Grand Green Hidden Hollow Iron Last Little Lonely Long Lost Lucky Midnight New Northern Old Open "
    "Orange Pale Prime Quiet Rapid Red Royal Secret Sharp Silent Silver Simple Small Smart Solid Southern Strong Sudden Swift "
    "Tall Urban Velvet Warm White Wide Wild Winter Young"
)
_NOUNS = spaced(
    "Anchor Arrow Atlas Bay Beacon Bird Bloom Bridge Brook Candle Castle Circle Cloud Comet Compass Coral Crane Creek Crown "
    "Dawn Delta Desert Dream Drum Eagle Echo Ember Falcon Feather Field Fire Flame Forest Fountain Fox Garden Gate Glass "
    "Harbor Hawk Heart Hill Horizon House Island Journey Key Lake Lantern Leaf Letter Light Lion Machine Maple Mask Meadow "
    "Mirror Moon Morning Mountain Night North Oak Ocean Orbit Owl Path Pearl Pine Planet Promise Rain Raven Ridge River Road "
    "Rock Rose Sail Sea Shadow Shore Signal Sky Snow Song Spark Spring Star Station Stone Storm Story Stream Summer Sun Tide "
    "Tiger Tower Train Valley Voice Wave Wind Window Wing Winter Wolf Wood"
)
_FIRMS = spaced(
    "Ltd GmbH Inc Group Labs Works Partners Systems Industries & Sons Co Logistics Energy Foods Motors Media Air Bank Capital"
)
_FIRMS[_FIRMS.index("&") : _FIRMS.index("&") + 2] = ["& Sons"]
_TOPICS = spaced(
    "Finance Marketing Sales Research Legal Operations Security Support Design Logistics Procurement Quality Planning Training "
    "Travel Photography Cooking Gardening Chess Running Cycling History Poetry Robotics Astronomy Music Politics Climate Health "
    "Economy Sports Culture Technology Science Education Housing Trade Energy Transport Water Tourism Fashion Gaming Toys Books "
    "Electronics Furniture Shoes Garden Beauty Groceries Tools Stationery"
)
_SCIENCES = barred(
    "Machine Learning|Graph Theory|Databases|Organic Chemistry|Genetics|Neuroscience|Quantum Physics|Statistics|Linguistics|"
    "Philosophy|Sociology|Economics|Robotics|Computer Vision|Cryptography|Ecology|Geology|Algebra|Topology|Optics|Immunology|"
    "Astrophysics|Psychology|Archaeology|Logic|Thermodynamics|Signal Processing|Game Theory|Medicine|Literature|Law|Materials"
)
_SKILLS = barred(
    "Python|SQL|Java|Welding|Accounting|Negotiation|Project Planning|Data Analysis|Public Speaking|First Aid|Carpentry|Spanish|"
    "French|Excel|Photography|Copywriting|Machine Learning|Testing|Leadership|Budgeting|Drawing|Rust|Go|Cloud|Squat|Push-up|"
    "Rowing|Plank|Yoga|Burpee|Deadlift|Stretching|Sprint"
)
_GADGETS = spaced(
    "Bearing Bolt Bracket Bulb Cable Camera Chain Clamp Clutch Coil Connector Cylinder Display Drill Fan Filter Gasket Gear Hammer "
    "Hinge Hose Lamp Lens Lever Lock Magnet Motor Nozzle Pedal Pipe Piston Plug Pump Relay Rotor Screw Seal Sensor Shaft Shield "
    "Spring Switch Sword Tank Valve Wheel Wire"
)
_GENRES = spaced(
    "Drama Comedy Thriller Jazz Rock Pop Folk Blues Techno Classical Fantasy Mystery Romance Horror Western Adventure Satire "
    "Biography Poetry Opera Metal Soul Reggae Baroque Cubism Realism Impressionism Romanticism Expressionism Crime History Travel "
    "Cooking Animation Documentary"
)
_FOODS = spaced(
    "Almond Apple Barley Basil Bean Beef Butter Carrot Cheese Chicken Chili Cocoa Corn Cotton Cream Cucumber Egg Flour Garlic "
    "Ginger Honey Lemon Lentil Linen Milk Mint Mushroom Mustard Oat Olive Onion Orange Oregano Paprika Parsley Peanut Pear Pepper "
    "Potato Rice Rye Saffron Salmon Salt Sesame Silk Soy Spinach Sugar Thyme Tofu Tomato Tuna Vanilla Walnut Wheat Wool Yeast"
)
_DISHES = spaced(
    "Soup Stew Salad Curry Pie Risotto Cake Noodles Tart Casserole Pancakes Dumplings Tacos Pizza Omelette Bread Goulash"
)
_SPECIES = barred(
    "Grey Wolf|Red Fox|Brown Bear|Barn Owl|Snow Leopard|Polar Bear|Green Turtle|Blue Whale|House Mouse|Field Mouse|Sea Otter|"
    "Honey Bee|Fruit Fly|Zebrafish|African Elephant|Giraffe|Plains Zebra|Emperor Penguin|Bald Eagle|Roe Deer|Wild Boar|Lynx|"
    "Atlantic Salmon|Garden Snail|Nile Crocodile|Chimpanzee|Gorilla|Red Panda|Koala|Hippo|Cheetah|Lion|Tiger|Otter"
)
_PETS = spaced(
    "Bella Charlie Luna Max Daisy Rocky Molly Bruno Nala Simba Coco Ruby Oscar Milo Kiki Balu Pepper Shadow Misty Rex Gandalf Momo"
)
_LANGUAGES = spaced(
    "English Spanish French German Italian Portuguese Polish Turkish Arabic Hindi Bengali Mandarin Japanese Korean Swahili Yoruba "
    "Dutch Swedish Finnish Greek Czech Hungarian Ukrainian Vietnamese Catalan Basque Welsh Irish Tamil Urdu"
)
_ELEMENTS = spaced(
    "Hydrogen Helium Lithium Carbon Nitrogen Oxygen Fluorine Neon Sodium Magnesium Silicon Sulfur Chlorine Argon Potassium Calcium "
    "Titanium Iron Cobalt Nickel Copper Zinc Arsenic Silver Tin Iodine Xenon Tungsten Platinum Gold Mercury Lead Radon Radium Uranium"
)
_ROLES = spaced(
    "captain narrator detective nurse pilot queen teacher stranger neighbor twin spy chef ghost lawyer sailor himself"
)

Make = Callable[[random.Random], Any]


def _of(words: Sequence[str]) -> Make:
    return lambda r: r.choice(words)


def _person(r: random.Random) -> str:
    first, last = r.choice(_FIRST), r.choice(_LAST)
    middle = f" {r.choice('ABCDEFGHJKLMPRST')}." if r.random() < 0.06 else ""
    return f"{first}{middle} {last}" + (f"-{r.choice(_LAST)}" if r.random() < 0.04 else "")


def _company(r: random.Random) -> str:
    how = r.random()
    if how < 0.35:
        return f"{r.choice(_LAST)} {r.choice(_FIRMS)}"
    if how < 0.7:
        return f"{r.choice(_ADJECTIVES)} {r.choice(_NOUNS)}" + (f" {r.choice(_FIRMS)}" if r.random() < 0.5 else "")
    return (
        f"{r.choice(_NOUNS)}{r.choice(['ly', 'ify', 'soft', 'tech', 'ware', 'hub', 'io'])}"
        if how < 0.85
        else f"{r.choice(_LAST)} & {r.choice(_LAST)}"
    )


def _title(r: random.Random) -> str:
    noun, other, adjective = r.choice(_NOUNS), r.choice(_NOUNS), r.choice(_ADJECTIVES)
    return r.choice([
        f"The {adjective} {noun}", f"{noun} of the {other}", f"{adjective} {noun}", f"The {noun}", f"{noun} and {other}", f"A {noun} for {r.choice(_FIRST)}",
        f"{r.choice(_FIRST)}'s {noun}", f"The {noun}: {adjective} {other}", f"{noun}", f"Under the {noun}", f"No {noun} in {r.choice(_CITIES)}", f"{noun} {r.randint(2, 9)}",
        f"{r.randint(2, 99)} {noun}s", f"Goodbye, {noun}!", f"Where is the {noun}?",
    ])  # fmt: skip


def _paper(r: random.Random) -> str:
    return r.choice([
        f"{r.choice(['On', 'Towards', 'Rethinking', 'A Survey of', 'Notes on', 'Learning'])} {r.choice(_SCIENCES)}",
        f"{r.choice(_SCIENCES)} for {r.choice(_SCIENCES)}", f"{r.choice(_ADJECTIVES)} {r.choice(_SCIENCES)}", f"{r.choice(_SCIENCES)} in {r.choice(_COUNTRIES)}",
    ])  # fmt: skip


def _code(r: random.Random) -> str:
    letters = "".join(r.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(r.randint(1, 3)))
    return r.choice(
        [f"{letters}-{r.randint(10, 9999)}", f"{letters}{r.randint(100, 99999)}", f"{r.randint(1000, 99999)}"]
    )


def _code3(r: random.Random) -> str:
    return "".join(r.choice("ABCDEFGHIJKLMNOPRSTUVWXYZ") for _ in range(3))


def _package(r: random.Random) -> str:
    return f"{r.choice(_NOUNS).lower()}{r.choice(['-', '_', '', '.'])}{r.choice(['core', 'api', 'utils', 'cli', 'kit', 'db', 'auth', 'js', 'client', 'http'])}"


def _word(r: random.Random, last: Sequence[str]) -> str:
    return f"{r.choice(_ADJECTIVES + _NOUNS)} {r.choice(last)}"


def _date(r: random.Random) -> datetime.date:
    return datetime.date(2005, 1, 1) + datetime.timedelta(days=r.randrange(7600))


KINDS: dict[str, Make] = {
    "person": _person, "company": _company, "title": _title, "paper": _paper, "code": _code, "code3": _code3, "package": _package,
    "city": _of(_CITIES), "country": _of(_COUNTRIES), "topic": _of(_TOPICS), "science": _of(_SCIENCES), "skill": _of(_SKILLS),
    "genre": _of(_GENRES), "ingredient": _of(_FOODS), "species": _of(_SPECIES), "pet": _of(_PETS), "language": _of(_LANGUAGES),
    "element": _of(_ELEMENTS), "lastname": _of(_LAST),
    "gadget": lambda r: _word(r, _GADGETS) if r.random() < 0.7 else r.choice(_GADGETS),
    "product": lambda r: f"{r.choice(_ADJECTIVES + _NOUNS)} {r.choice(['Pro', 'Mini', 'X', 'Plus', '3000', 'One', 'S', 'Max', 'Air', 'II'])}" if r.random() < 0.6 else _word(r, _GADGETS),
    "place": lambda r: r.choice([f"{r.choice(_ADJECTIVES)} {r.choice(_NOUNS)}", f"{r.choice(_CITIES)} {r.choice(['North', 'South', 'East', 'West', 'Central', 'Park', 'Harbor'])}", f"{r.choice(_LAST)} {r.choice(['Park', 'Hall', 'Square', 'Gate', 'House', 'Point'])}", f"{r.choice(_NOUNS)}{r.choice(['wood', 'ford', 'field', 'ton', 'ham', 'burg'])}"]),
    "team": lambda r: r.choice([f"{r.choice(_CITIES)} {r.choice(['United', 'City', 'Rovers', 'FC', 'Athletic', 'Wolves', 'Eagles'])}", f"FC {r.choice(_CITIES)}", f"{r.choice(_CITIES)} {r.choice(_NOUNS)}s"]),
    "band": lambda r: r.choice([f"The {r.choice(_NOUNS)}s", f"{r.choice(_ADJECTIVES)} {r.choice(_NOUNS)}", f"{r.choice(_NOUNS)} & the {r.choice(_NOUNS)}s", r.choice(_NOUNS)]),
    "course": lambda r: f"{r.choice(['Introduction to', 'Advanced', 'Applied', 'Basics of'])} {r.choice(_SCIENCES)}" if r.random() < 0.6 else r.choice(_SCIENCES),
    "university": lambda r: r.choice([f"University of {r.choice(_CITIES)}", f"{r.choice(_CITIES)} University", f"{r.choice(_LAST)} College", f"{r.choice(_CITIES)} Institute of Technology"]),
    "conference": lambda r: f"{r.choice(_NOUNS)}{r.choice(['Con', 'Summit', ' Days', ' Cup', ' Run', 'Conf'])} {r.randint(2008, 2026)}",
    "league": lambda r: f"{r.choice(_COUNTRIES)} {r.choice(['League', 'Cup', 'Division 2', 'Premier League'])}",
    "journal": lambda r: f"{r.choice(['Journal of', 'Annals of', 'Letters in', 'Advances in'])} {r.choice(_SCIENCES)}",
    "party": lambda r: f"{r.choice(['Green', 'Liberal', 'Social', 'People', 'Free', 'National', 'Progress', 'Labour'])} {r.choice(['Party', 'Union', 'Alliance', 'Movement'])}",
    "river": lambda r: f"{r.choice(_NOUNS)} River" if r.random() < 0.4 else r.choice(["Arda", "Belva", "Corin", "Dorna", "Elin", "Forn", "Galda", "Hasta", "Irva", "Jolma", "Kesta", "Lomna", "Morva", "Nerin", "Orla", "Pesna"]),
    "mountain": lambda r: f"Mount {r.choice(_LAST)}" if r.random() < 0.6 else f"{r.choice(_ADJECTIVES)} Peak",
    "lake": lambda r: f"Lake {r.choice(_NOUNS)}",
    "planet": lambda r: f"{r.choice(['Kepler', 'Gliese', 'HD', 'Tau', 'Luyten', 'Ross'])}-{r.randint(2, 999)}{r.choice(['b', 'c', 'd', ''])}",
    "dish": lambda r: f"{r.choice(_FOODS)} {r.choice(_DISHES)}", "restaurant": lambda r: r.choice([f"Chez {r.choice(_FIRST)}", f"The {r.choice(_ADJECTIVES)} {r.choice(_FOODS)}", f"{r.choice(_FIRST)}'s {r.choice(['Kitchen', 'Diner', 'Bistro'])}"]),
    "hotel": lambda r: r.choice([f"Hotel {r.choice(_CITIES)}", f"The {r.choice(_ADJECTIVES)} {r.choice(_NOUNS)}", f"{r.choice(_NOUNS)} Inn", f"Grand Hotel {r.choice(_LAST)}"]),
    "host": lambda r: f"{r.choice(['web', 'db', 'app', 'cache', 'node', 'srv'])}-{r.randint(1, 99):02d}", "path": lambda r: f"/{r.choice(_NOUNS).lower()}s/{r.choice(['list', 'new', 'search', 'id'])}",
    "plate": lambda r: f"{_code3(r)} {r.randint(10, 9999)}", "lineno": lambda r: r.choice([f"Line {r.randint(1, 99)}", f"{r.choice('ABCMSU')}{r.randint(1, 60)}", str(r.randint(100, 999))]),
    "address": lambda r: f"{r.randint(1, 240)} {r.choice(_NOUNS)} {r.choice(['Street', 'Road', 'Avenue', 'Lane'])}",
    "handle": lambda r: f"{r.choice(_FIRST).lower()}{r.choice(['_', '.', ''])}{r.choice(_NOUNS).lower()}{r.choice(['', str(r.randint(1, 99))])}",
    "email": lambda r: f"{r.choice(_FIRST).lower()}.{r.choice(_LAST).lower().replace(chr(39), '')}@example.org", "ip": lambda r: f"10.{r.randint(0, 255)}.{r.randint(0, 255)}.{r.randint(1, 254)}",
    "phone": lambda r: f"+{r.randint(1, 99)} {r.randint(100, 999)} {r.randint(1000, 9999)}", "url": lambda r: f"https://example.org/{r.choice(_NOUNS).lower()}",
    "version": lambda r: f"{r.randint(0, 9)}.{r.randint(0, 20)}.{r.randint(0, 30)}", "text": lambda r: f"{r.choice(_ADJECTIVES)} {r.choice(_NOUNS).lower()} with {r.choice(_NOUNS).lower()}",
    "year": lambda r: r.randint(1900, 2025), "money": lambda r: round(r.uniform(2, 3000), 2), "date": _date, "bool": lambda r: r.random() < 0.5,
    "datetime": lambda r: datetime.datetime(2015, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(minutes=r.randrange(5_000_000)),
    "list": lambda r: tuple(r.sample(_ROLES, r.randint(1, 2))),
}  # fmt: skip
TYPES = {
    "year": "INTEGER",
    "money": "FLOAT",
    "date": "DATE",
    "datetime": "ZONED DATETIME",
    "bool": "BOOLEAN",
    "list": "LIST<STRING>",
}


def maker(spec: str) -> tuple[str, Make]:
    """The property type and the maker for `i1-40`, `f0-1`, `a|b|c` or the name of a kind."""
    if "|" in spec:
        options = spec.split("|")
        if all(o.isdigit() for o in options):
            return "INTEGER", lambda r: int(r.choice(options))
        return "STRING", _of(options)
    if spec in KINDS:
        return TYPES.get(spec, "STRING"), KINDS[spec]
    low, _, high = spec[2:].partition("-") if spec[1:2] == "-" else spec[1:].partition("-")
    least, most = (-float(low) if spec[1:2] == "-" else float(low)), float(high)
    if spec[0] == "i":
        return "INTEGER", lambda r: r.randint(int(least), int(most))
    return "FLOAT", lambda r: round(r.uniform(least, most), 1 if most > 1 else 2)
