"""An explanation on a terminal: the answer, then its sections, each sentence on a line of its own."""

from rich.text import Text

from safetyd.cli.words import plain_console
from safetyd.explain.explanation import Explanation
from safetyd.explain.words import headline, sections


def explanation_words(found: Explanation) -> None:
    """Print the headline and the sections."""
    console = plain_console()
    console.print(Text(headline(found), style="bold"))
    for each in sections(found):
        console.print(Text(f"\n{each.title}", style="bold"))
        for sentence in each.sentences:
            console.print(Text(f"- {sentence}"), soft_wrap=not console.is_terminal)
