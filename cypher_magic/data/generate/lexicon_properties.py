"""What people call common properties, and how they compare by them.

A property that is not listed is said with its own name; a listed one only has more ways to be said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cypher_magic.data.generate.spaced import spaced

if TYPE_CHECKING:
    from cypher_magic.data.generate.flags import Flag


@dataclass(frozen=True)
class PropertyWords:
    """How a property is talked about; {v} stands for a value, {x} for a thing. Empty: said with its noun alone."""

    nouns: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()  # questions for the property of one thing
    equal: tuple[str, ...] = ()  # behind the noun: "released in {v}"
    before: tuple[str, ...] = ()  # in front of the noun: "{v}"
    more: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    between: tuple[str, ...] = ()
    most: tuple[str, ...] = ()  # superlatives for the highest value: "longest"
    least: tuple[str, ...] = ()
    higher: tuple[str, ...] = ()  # comparatives: "longer"
    lower: tuple[str, ...] = ()
    unit: str = ""
    since: tuple[str, ...] = ()  # asks for it in front of "does Jo work here": since when
    flag: Flag | None = None  # for what is true or false


def _w(nouns: str = "", **said: str) -> PropertyWords:
    split: dict[str, Any] = {
        name: tuple(s.strip() for s in text.split("|")) for name, text in said.items() if name != "unit"
    }
    return PropertyWords(tuple(n.strip() for n in nouns.split("|") if n.strip()), unit=said.get("unit", ""), **split)


_CAME_OUT = dict(
    asks="when was {x} released|when did {x} come out|what year did {x} come out|in what year was {x} released|"
    "in which year did {x} come out|what year is {x} from|which year was {x} released in",
    equal="released in {v}|from {v}|that came out in {v}|out in {v}|of {v}|made in {v}|from the year {v}",
    before="{v}",
    more="released after {v}|from after {v}|that came out after {v}|newer than {v}|made after {v}|later than {v}",
    less="released before {v}|from before {v}|that came out before {v}|older than {v}|made before {v}|earlier than {v}",
    between="released between {a} and {b}|from {a} to {b}|that came out between {a} and {b}|between {a} and {b}|"
    "from between {a} and {b}|made between {a} and {b}|released from {a} to {b}",
    most="newest|latest|most recent|most recently released",
    least="oldest|earliest|first",
    higher="newer|more recent|that came out later",
    lower="older|that came out earlier",
)  # fmt: skip
_RATED = dict(
    asks="how good is {x}|how is {x} rated|how well is {x} rated|what is {x} rated|what score does {x} have",
    equal="rated {v}|with a score of {v}",
    more="rated above {v}|rated higher than {v}|rated over {v}|rated better than {v}|scoring more than {v}",
    less="rated below {v}|rated lower than {v}|rated under {v}|rated worse than {v}|scoring less than {v}",
    between="rated between {a} and {b}|scoring between {a} and {b}",
    most="best|highest rated|best rated|top rated|highest-rated",
    least="worst|lowest rated|worst rated|lowest-rated",
    higher="better rated|rated higher|better",
    lower="worse rated|rated lower|worse",
)  # fmt: skip
_LONG = dict(
    asks="how long is {x}|how many minutes is {x}|how long does {x} last|how long does {x} run",
    equal="that {are} {v} long|of {v}|that last{s} {v}",
    more="longer than {v}|over {v}|of more than {v}|over {v} long|that {are} more than {v} long|running over {v}",
    less="shorter than {v}|under {v}|of less than {v}|under {v} long|that {are} less than {v} long|running under {v}",
    between="between {a} and {b} long|of {a} to {b}|that run{s} {a} to {b}|lasting {a} to {b}",
    most="longest",
    least="shortest",
    higher="longer",
    lower="shorter",
)  # fmt: skip
_COSTS = dict(
    asks="how much is {x}|how much does {x} cost|what does {x} cost",
    equal="that cost{s} {v}|for {v}|priced at {v}",
    more="more expensive than {v}|that cost{s} more than {v}|over {v}|priced above {v}",
    less="cheaper than {v}|that cost{s} less than {v}|under {v}|priced below {v}",
    between="that cost{s} between {a} and {b}|priced between {a} and {b}|between {a} and {b}|for {a} to {b}",
    most="most expensive|priciest|dearest",
    least="cheapest|least expensive",
    higher="more expensive|pricier",
    lower="cheaper|less expensive",
)  # fmt: skip
_SINCE = dict(
    asks="when was {x} founded|when was {x} established|what year was {x} founded|in what year was {x} established",
    equal="founded in {v}|established in {v}|set up in {v}|from {v}",
    more="founded after {v}|established after {v}|newer than {v}",
    less="founded before {v}|established before {v}|older than {v}",
    between="founded between {a} and {b}|established between {a} and {b}|founded from {a} to {b}",
    most="newest|youngest|most recently founded",
    least="oldest|first founded",
    higher="newer|younger",
    lower="older",
)  # fmt: skip

WORKS = frozenset(
    spaced("movie film show series book song track album game paper article video episode painting record publication")
)
OF_WORKS = {"year": _w("year", **_CAME_OUT)}  # other words for the properties of what comes out

PROPERTIES = {
    "released": _w("release year|year of release|year", **_CAME_OUT),
    "release year": _w("release year|year of release|year", **_CAME_OUT),
    "release date": _w("release date|date of release", **_CAME_OUT),
    "year": _w("year", asks="what year is {x} from|which year is {x} from", equal="from {v}|from the year {v}", more="from after {v}|later than {v}",
               less="from before {v}|earlier than {v}", between="from {a} to {b}|from between {a} and {b}", most="latest|most recent", least="earliest|first"),
    "born": _w(
        "birth year|year of birth",
        asks="when was {x} born|what year was {x} born|in what year was {x} born|in which year was {x} born",
        equal="born in {v}|who {were} born in {v}|with birth year {v}",
        more="born after {v}|who {were} born after {v}|born later than {v}",
        less="born before {v}|who {were} born before {v}|born earlier than {v}",
        between="born between {a} and {b}|who {were} born between {a} and {b}|born from {a} to {b}",
        most="youngest", least="oldest|eldest", higher="younger", lower="older",
    ),
    "died": _w(
        "year of death", asks="when did {x} die|what year did {x} die", equal="who died in {v}",
        more="who died after {v}", less="who died before {v}", between="who died between {a} and {b}",
    ),
    "imdb rating": _w("IMDb rating|rating|IMDb score|score", **_RATED),
    "rating": _w("rating|score", **_RATED),
    "stars": _w("star rating|number of stars|stars", **_RATED),
    "score": _w("score", **{**_RATED, "asks": "what is {x}'s score|how did {x} score|what score does {x} have"}),
    "runtime": _w("runtime|running time|length|duration", unit="minutes", **_LONG),
    "duration": _w("duration|length", **_LONG),
    "length": _w("length", **_LONG),
    "tagline": _w("tagline|slogan", asks="what does the tagline of {x} say|what is {x}'s slogan"),
    "age": _w(
        "age", asks="how old is {x}|what age is {x}", equal="aged {v}|who {are} {v} years old|that {are} {v} years old",
        more="older than {v}|over {v}|aged over {v}", less="younger than {v}|under {v}|aged under {v}",
        between="between {a} and {b} years old|aged {a} to {b}", most="oldest", least="youngest", higher="older", lower="younger",
    ),
    "price": _w("price|cost", **_COSTS),
    "unit price": _w("unit price|price", **_COSTS),
    "cost": _w("cost|price", **_COSTS),
    "founded": _w("founding year|year of foundation", **_SINCE),
    "established": _w("founding year|year of establishment", **_SINCE),
    "opened": _w(
        "opening year", asks="when did {x} open|when was {x} opened|what year did {x} open", equal="opened in {v}|that opened in {v}",
        more="opened after {v}|that opened after {v}", less="opened before {v}|that opened before {v}",
        between="opened between {a} and {b}", most="newest|most recently opened", least="oldest|first opened",
        higher="newer", lower="older",
    ),
    "created": _w(
        "creation date", asks="when was {x} created|when was {x} made", equal="created in {v}|made in {v}", more="created after {v}",
        less="created before {v}", between="created between {a} and {b}", most="newest|latest", least="oldest|earliest",
        higher="newer", lower="older",
    ),
    "published": _w(
        "publication year|year of publication", asks="when was {x} published|when did {x} come out|what year was {x} published",
        equal="published in {v}|from {v}|that came out in {v}", before="{v}", more="published after {v}|newer than {v}",
        less="published before {v}|older than {v}", between="published between {a} and {b}|from {a} to {b}",
        most="newest|latest|most recent", least="oldest|earliest|first", higher="newer", lower="older",
    ),
    "population": _w(
        "population|number of inhabitants", asks="how many people live in {x}|how many inhabitants does {x} have|how big is {x}|how populous is {x}",
        more="with more than {v} inhabitants|with over {v} people|larger than {v} people", less="with fewer than {v} inhabitants|with under {v} people",
        between="with between {a} and {b} inhabitants", most="most populous|largest|biggest", least="least populous|smallest",
        higher="more populous|bigger|larger", lower="less populous|smaller", equal="with {v} inhabitants",
    ),
    "area": _w("area|size", asks="how big is {x}|how large is {x}", more="larger than {v}", less="smaller than {v}",
               most="largest|biggest", least="smallest", higher="larger|bigger", lower="smaller"),
    "size": _w("size", asks="how big is {x}|how large is {x}", more="larger than {v}|bigger than {v}", less="smaller than {v}",
               most="largest|biggest", least="smallest", higher="larger|bigger", lower="smaller"),
    "capacity": _w("capacity", asks="how many does {x} hold|how much does {x} hold|how big is {x}", more="that hold{s} more than {v}|with room for more than {v}",
                   less="that hold{s} less than {v}", most="largest|biggest", least="smallest", higher="larger|bigger", lower="smaller"),
    "height": _w("height", asks="how tall is {x}|how high is {x}", more="taller than {v}|higher than {v}|over {v} tall", less="shorter than {v}|under {v} tall",
                 between="between {a} and {b} tall", most="tallest|highest", least="shortest|lowest", higher="taller|higher", lower="shorter|lower"),
    "elevation": _w("elevation|altitude|height", asks="how high is {x}", more="higher than {v}", less="lower than {v}", most="highest", least="lowest", higher="higher", lower="lower"),
    "weight": _w("weight", asks="how heavy is {x}|how much does {x} weigh", more="heavier than {v}|that weigh{s} more than {v}", less="lighter than {v}|that weigh{s} less than {v}",
                 most="heaviest", least="lightest", higher="heavier", lower="lighter"),
    "distance": _w("distance", asks="how far is {x}|how long is {x}", more="longer than {v}|over {v}", less="shorter than {v}|under {v}", most="longest|farthest", least="shortest|nearest", higher="longer|farther", lower="shorter|closer"),
    "depth": _w("depth", asks="how deep is {x}", more="deeper than {v}", less="shallower than {v}", most="deepest", least="shallowest", higher="deeper", lower="shallower"),
    "speed": _w("speed", asks="how fast is {x}", more="faster than {v}", less="slower than {v}", most="fastest", least="slowest", higher="faster", lower="slower"),
    "salary": _w("salary|pay", asks="how much does {x} earn|what does {x} earn|how much is {x} paid", more="who earn{s} more than {v}|earning over {v}", less="who earn{s} less than {v}|earning under {v}",
                 between="earning between {a} and {b}", most="best paid|highest paid", least="worst paid|lowest paid", higher="better paid", lower="worse paid"),
    "revenue": _w("revenue|turnover", asks="how much revenue does {x} make|what does {x} turn over"),
    "budget": _w("budget", asks="how much money does {x} have|how big is the budget of {x}"),
    "amount": _w("amount|sum", asks="how much was {x}|how much is {x}", more="over {v}|above {v}|of more than {v}", less="under {v}|below {v}|of less than {v}",
                 between="between {a} and {b}|of {a} to {b}", most="largest|biggest|highest", least="smallest|lowest"),
    "total": _w("total", more="over {v}|totalling more than {v}", less="under {v}|totalling less than {v}", most="largest|biggest", least="smallest"),
    "quantity": _w("quantity|amount", asks="how many of {x} are there|how much of {x} is there"),
    "stock": _w("stock|number in stock", asks="how many {x} are in stock|how much stock of {x} is there", more="with more than {v} in stock", less="with fewer than {v} in stock|with less than {v} left"),
    "employees": _w("number of employees|headcount", asks="how many employees does {x} have|how many people work at {x}", more="with more than {v} employees", less="with fewer than {v} employees", most="largest|biggest", least="smallest", higher="larger", lower="smaller"),
    "pages": _w("number of pages|page count", asks="how many pages does {x} have|how long is {x}", more="with more than {v} pages|longer than {v} pages", less="with fewer than {v} pages|shorter than {v} pages", most="longest", least="shortest", higher="longer", lower="shorter"),
    "downloads": _w("number of downloads|download count", asks="how often was {x} downloaded|how many downloads does {x} have", more="downloaded more than {v} times|with more than {v} downloads", less="downloaded less than {v} times|with fewer than {v} downloads", most="most downloaded|most popular", least="least downloaded|least popular", higher="more popular", lower="less popular"),
    "plays": _w("number of plays|play count", asks="how often was {x} played", more="played more than {v} times", less="played less than {v} times", most="most played|most popular", least="least played", higher="more popular", lower="less popular"),
    "views": _w("number of views|view count", asks="how often was {x} viewed|how many views does {x} have", more="with more than {v} views|viewed more than {v} times", less="with fewer than {v} views", most="most viewed|most watched|most popular", least="least viewed", higher="more popular", lower="less popular"),
    "likes": _w("number of likes", asks="how many likes does {x} have", more="with more than {v} likes", less="with fewer than {v} likes", most="most liked|most popular", least="least liked", higher="more popular", lower="less popular"),
    "calories": _w("calories|number of calories", asks="how many calories does {x} have", more="with more than {v} calories", less="with fewer than {v} calories|under {v} calories"),
    "goals": _w("number of goals|goals", asks="how many goals did {x} score|how many goals does {x} have", more="with more than {v} goals", less="with fewer than {v} goals"),
    "votes": _w("number of votes|votes", asks="how many votes did {x} get", more="with more than {v} votes", less="with fewer than {v} votes"),
    "level": _w("level", before="", equal="at level {v}|of level {v}"),
    "version": _w("version", asks="which version is {x}|what version is {x} at", equal="at version {v}|in version {v}"),
    "status": _w("status", asks="what state is {x} in|how is {x} doing", equal="with status {v}|that {are} {v}|in status {v}", before="{v}"),
    "state": _w("state", equal="in the state {v}|in state {v}"),
    "type": _w("type|kind", asks="what kind of thing is {x}|what type is {x}", equal="of type {v}|of the type {v}", before="{v}"),
    "kind": _w("kind|type", equal="of kind {v}|of the kind {v}", before="{v}"),
    "category": _w("category", asks="which category is {x} in", equal="in category {v}|in the {v} category", before="{v}"),
    "genre": _w("genre", asks="what genre is {x}|which genre is {x} in", equal="in the genre {v}|of the genre {v}", before="{v}"),
    "color": _w("color", asks="what color is {x}", equal="that {are} {v}|in {v}", before="{v}"),
    "colour": _w("colour", asks="what colour is {x}", equal="that {are} {v}|in {v}", before="{v}"),
    "gender": _w("gender|sex", before="{v}", equal="who {are} {v}"),
    "nationality": _w("nationality", asks="what nationality is {x}|where is {x} from", before="{v}", equal="who {are} {v}"),
    "country": _w("country", asks="which country is {x} from|what country is {x} in|where is {x} from", equal="from {v}|in {v}|based in {v}"),
    "city": _w("city|town", asks="which city is {x} in|what city is {x} in|where is {x}", equal="in {v}|from {v}|based in {v}"),
    "region": _w("region", asks="which region is {x} in", equal="in {v}|from the {v} region|in the region {v}"),
    "continent": _w("continent", asks="which continent is {x} on|what continent is {x} in", equal="in {v}|on the continent {v}"),
    "location": _w("location|place", asks="where is {x}|where is {x} located", equal="in {v}|located in {v}|at {v}"),
    "address": _w("address", asks="where is {x}|what address does {x} have"),
    "language": _w("language", asks="what language is {x} in|which language is {x} written in", equal="in {v}|written in {v}", before="{v}"),
    "email": _w("email|email address|e-mail", asks="how can i email {x}|how do i reach {x} by email"),
    "phone": _w("phone number|phone|telephone number", asks="how can i call {x}|what number can i reach {x} at"),
    "description": _w("description", asks="what is {x} about|how is {x} described"),
    "title": _w("title"),
    "name": _w("name"),
    "job title": _w("job title|position|role", asks="what does {x} do|what is {x}'s job|what position does {x} have"),
    "occupation": _w("occupation|job|profession", asks="what does {x} do for a living|what is {x}'s job"),
    "position": _w("position", asks="which position does {x} have|what position is {x} in"),
    "date": _w("date", asks="when was {x}|when is {x}|when did {x} take place|what date was {x}", equal="in {v}|from {v}|dated {v}", more="after {v}|since {v}", less="before {v}",
               between="between {a} and {b}|from {a} to {b}", most="latest|most recent|newest", least="earliest|oldest|first", higher="later|more recent", lower="earlier"),
    "start date": _w("start date", asks="when did {x} start|when does {x} start|when did {x} begin", equal="that started in {v}|starting in {v}", more="that started after {v}|starting after {v}", less="that started before {v}|starting before {v}", most="latest|most recently started", least="earliest|first", higher="later", lower="earlier"),
    "end date": _w("end date", asks="when did {x} end|when does {x} end|when is {x} over", equal="that ended in {v}|ending in {v}", more="that end{s} after {v}|ending after {v}", less="that end{s} before {v}|ending before {v}", higher="later", lower="earlier"),
    "hire date": _w("hire date|start date", asks="when was {x} hired|when did {x} start|since when does {x} work here", equal="hired in {v}|who started in {v}", more="hired after {v}", less="hired before {v}", most="most recently hired|newest", least="longest serving|first hired"),
    "birth date": _w("birth date|date of birth|birthday", asks="when was {x} born|when is {x}'s birthday", equal="born in {v}", more="born after {v}", less="born before {v}", between="born between {a} and {b}", most="youngest", least="oldest", higher="younger", lower="older"),
    "order date": _w("order date|date", asks="when was {x} placed|when was {x} ordered", equal="placed in {v}|from {v}|made in {v}", more="placed after {v}|from after {v}|since {v}", less="placed before {v}|from before {v}", between="placed between {a} and {b}", most="latest|most recent|newest", least="earliest|oldest|first", higher="later|more recent", lower="earlier"),
    "since": _w("start|beginning", equal="since {v}", more="starting after {v}|since after {v}", less="since before {v}|starting before {v}", between="starting between {a} and {b}", since="since when"),
    "until": _w("end", equal="until {v}", more="ending after {v}", less="ending before {v}", between="ending between {a} and {b}", since="until when"),
    "low": _w("low value|lower value"),
    "high": _w("high value|upper value"),
    "min": _w("minimum"),
    "max": _w("maximum"),
    "minutes": _w("number of minutes|duration in minutes", asks="how many minutes does {x} take|how long does {x} take", equal="of {v} minutes|that take{s} {v} minutes", more="of more than {v} minutes|that take{s} more than {v} minutes|longer than {v} minutes",
                  less="of less than {v} minutes|that take{s} less than {v} minutes|shorter than {v} minutes", between="of {a} to {b} minutes|that take{s} between {a} and {b} minutes", most="longest", least="shortest", higher="longer", lower="shorter"),
    "roles": _w("roles|characters|role|part"),
    "gdp": _w("GDP", most="richest", least="poorest", higher="richer", lower="poorer"),
    "iata": _w("IATA code|airport code", asks="what is the code of {x}"),
    "isbn": _w("ISBN"),
    "url": _w("URL|link|website", asks="where can i find {x} online"),
    "website": _w("website|web page", asks="where can i find {x} online"),
}  # fmt: skip
ALIASES = {
    "birth year": "born", "year of birth": "born", "birthyear": "born", "dob": "birth date", "date of birth": "birth date", "birthdate": "birth date", "sex": "gender",
    "birthday": "birth date", "death year": "died", "imdb score": "imdb rating", "average rating": "rating", "avg rating": "rating", "running time": "runtime",
    "duration minutes": "runtime", "release": "released", "release_year": "release year", "founded year": "founded",
    "founding year": "founded", "year founded": "founded", "established year": "established", "opening year": "opened",
    "opened year": "opened", "year opened": "opened", "creation date": "created", "created at": "created",
    "publication year": "published", "published year": "published", "year published": "published", "publication date": "published",
    "published at": "published", "inhabitants": "population", "altitude": "elevation", "page count": "pages",
    "number of pages": "pages", "num pages": "pages", "headcount": "employees", "number of employees": "employees", "employee count": "employees", "view count": "views",
    "play count": "plays", "download count": "downloads", "like count": "likes", "e mail": "email", "mail": "email",
    "email address": "email", "phone number": "phone", "telephone": "phone", "profession": "occupation", "job": "occupation",
    "list price": "price", "sale price": "price", "in stock": "stock", "units in stock": "stock", "hired": "hire date", "hired at": "hire date",
    "iata code": "iata", "link": "url", "homepage": "website", "started": "start date", "ended": "end date", "start": "start date", "end": "end date",
    "ordered at": "order date", "summary": "description", "seats": "capacity", "wage": "salary", "income": "salary",
}  # fmt: skip
