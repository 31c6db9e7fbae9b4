"""How a comparison of a property is said; {n} its noun, {N} the noun with article, {v} the value, {a} and {b} two values."""

from __future__ import annotations

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


ABOVE = {
    ">": ("above {v}", "over {v}", "higher than {v}", "more than {v}"), "<": ("below {v}", "under {v}", "lower than {v}", "less than {v}"),
    ">=": ("at least {v}", "{v} or more", "{v} or higher"), "<=": ("at most {v}", "{v} or less", "{v} or lower"),
    "=": ("with {N} of {v}", "with the {n} {v}"), "between": ("between {a} and {b}", "from {a} to {b}"),
}  # fmt: skip
WHEN = {
    "=": ("in {v}", "with {n} {v}"), ">": ("after {v}", "with {N} after {v}"), "<": ("before {v}", "with {N} before {v}"),
    ">=": ("in {v} or later", "with {N} of {v} or later"), "<=": ("in {v} or earlier", "with {N} of {v} or earlier"),
    "between": ("between {a} and {b}", "from {a} to {b}"),
}  # fmt: skip
ON_RELATIONSHIP = {
    "=": ("with {N} in {v}",), ">": ("with {N} after {v}",), "<": ("with {N} before {v}",),
    ">=": ("with {N} of {v} or later",), "<=": ("with {N} of {v} or earlier",), "between": ("with {N} between {a} and {b}",),
}  # fmt: skip
MOMENT = {
    "=": ("with {N} in {v}", "whose {n} is in {v}"), ">": ("with {N} after {v}", "whose {n} is after {v}", "whose {n} is later than {v}"),
    "<": ("with {N} before {v}", "whose {n} is before {v}", "whose {n} is earlier than {v}"),
    "between": ("with {N} between {a} and {b}", "whose {n} is between {a} and {b}"),
}  # fmt: skip
YEARLY = {
    ">=": ("{v} or later", "{v} or after"), "<=": ("{v} or earlier", "{v} or before"), "in": ("{list}",),
}  # fmt: skip
MORE = (
    "with {N} above {v}",
    "with {N} over {v}",
    "with {N} of more than {v}",
    "whose {n} is above {v}",
    "with {N} greater than {v}",
    "whose {n} is more than {v}",
    "with {n} > {v}",
    "with {N} higher than {v}",
    "where the {n} is over {v}",
)
LESS = (
    "with {N} below {v}",
    "with {N} under {v}",
    "with {N} of less than {v}",
    "whose {n} is below {v}",
    "with {N} lower than {v}",
    "whose {n} is less than {v}",
    "with {n} < {v}",
    "where the {n} is under {v}",
)
GENERIC = {
    ">": MORE,
    "<": LESS,
    ">=": ("with {N} of at least {v}", "whose {n} is {v} or more", "with {N} of {v} or more", "with {n} >= {v}", "whose {n} is at least {v}"),
    "<=": ("with {N} of at most {v}", "whose {n} is {v} or less", "with {N} of {v} or less", "with {n} <= {v}", "whose {n} is at most {v}"),
    "between": ("with {N} between {a} and {b}", "whose {n} is between {a} and {b}", "with {n} from {a} to {b}", "where the {n} is between {a} and {b}"),
    "in": ("whose {n} is {list}", "with {n} {list}", "where the {n} is {list}", "with {n} one of {list}"),
    "contains": ("whose {n} contains {v}", "with {v} in the {n}", "with {v} in their {n}", "that have {v} in their {n}", "containing {v} in the {n}", "whose {n} includes the word {v}", "with the word {v} in the {n}"),
    "starts": ("whose {n} starts with {v}", "with {N} starting with {v}", "whose {n} begins with {v}", "with {N} that starts with {v}"),
    "ends": ("whose {n} ends with {v}", "with {N} ending in {v}", "whose {n} ends in {v}"),
    "missing": ("without {N}", "with no {n}", "that {has} no {n}", "whose {n} is missing", "whose {n} is unknown", "that {does} not have {N}", "where the {n} is missing", "lacking {N}"),
    "there": ("with {N}", "that {has} {N}", "whose {n} is known", "that {does} have {N}"),
    "member": ("with the {n} {v}", "with {v} as {n}", "with {v} among the {n}", "as {v}"),
    "not": ("whose {n} is not {v}", "with {N} other than {v}", "that {does} not have the {n} {v}"),
    "=": ("with {n} {v}", "whose {n} is {v}", "with {N} of {v}", "where the {n} is {v}", "with the {n} {v}", "that {has} {n} {v}"),
}  # fmt: skip
