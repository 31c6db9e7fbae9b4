"""%cypher_doctor: what is installed, connected and cached, and what to do about what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.magic import line_magic, magics_class

from cypher_magic.errors import CypherMagicError
from cypher_magic.magics.options import Command, Family, Option, Options
from cypher_magic.magics.progress import progress_line

if TYPE_CHECKING:
    from cypher_magic.session.doctor import Checkup

DOCTOR = Command(
    "%cypher_doctor",
    "Tell what is installed, connected and cached here, and what to do about what is missing. Looks at versions,\n"
    "devices, memory, disk, graph, folders, extras and the notebook; needs no network and shows no secret.",
    options=(Option("--strict", type=bool, help="fail the cell when there is a problem"),),
    max_words=0,
    examples=("%cypher_doctor", "checkup = %cypher_doctor --strict"),
)


@magics_class
class DoctorMagics(Family):
    """Look at what is here."""

    @line_magic
    @DOCTOR
    def cypher_doctor(self, options: Options) -> Checkup:
        """The Checkup: `.findings`, `.ok`, and how it shows itself."""
        from cypher_magic import session

        with progress_line() as line:
            line("looking at this machine", 0, 0)
            checkup = session.doctor()
        if options.strict and not checkup.ok:
            print(checkup)
            raise CypherMagicError("There is a problem.", hint="see the lines marked ✗ above")
        return checkup
