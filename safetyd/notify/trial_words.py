"""A test notice in words: that nothing is wrong, and who asked."""

from safetyd.core.world import Notice
from safetyd.notify.tongue import Tongue
from safetyd.notify.who_and_where import roles_named
from safetyd.site import Site


def trial(notice: Notice, site: Site, tongue: Tongue) -> tuple[str, str]:
    """Return the title and text of a test notice."""
    about = notice.about
    lines = [
        tongue.say("This is a test. Nothing is wrong."),
        tongue.say(
            "{by} ({roles}) wants to know whether messages reach you. You need not do anything.",
            by=about["by"],
            roles=roles_named(about["role"].split(", "), tongue),
        ),
        *([about["note"]] if about["note"] else []),
    ]
    return tongue.say("{site}: test", site=site.name), "\n".join(lines)
