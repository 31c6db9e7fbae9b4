"""A password on its way to the driver, which no repr, log line or pickle shows."""

from __future__ import annotations

from typing import NoReturn


class Secret:
    """Holds a password; `reveal()` is called only where it is handed to a server or a child process."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The password itself."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is never pickled")
