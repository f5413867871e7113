"""Who holds back a notice and until when, as it is kept with it.

Rule: it is as it was when the notice was made, whatever becomes of the shelf.
"""

import json
from typing import Any

from safetyd.core.shelf import Shelf
from safetyd.store.moments import micros, moment


def kept(shelf: Shelf | None) -> str | None:
    """Return who holds it back and until when, as text to keep."""
    if shelf is None:
        return None
    return json.dumps({"by": shelf.by, "until": micros(shelf.until)}, ensure_ascii=False)


def who(kept: str | None) -> dict[str, Any] | None:
    """Return the same, read again."""
    if kept is None:
        return None
    said = json.loads(kept)
    return {"by": said["by"], "until": moment(said["until"])}
