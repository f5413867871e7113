"""The languages that notices can be told in: English, and each that has a catalogue in this folder.

Rule: a file CODE.po here is all that a language needs. No code names any of them but English, which the
sentences are written in.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
ENGLISH = "en"


def languages(folder: Path = FOLDER) -> tuple[str, ...]:
    """Return the codes of the languages there are, English first."""
    return ENGLISH, *sorted(path.stem for path in folder.glob("*.po"))
