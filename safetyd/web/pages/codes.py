"""QR codes, as SVG that stands inside a page.

Rule: dark on light whatever the page looks like, with the quiet zone that a camera needs, and no style.
"""

from markupsafe import Markup


def qr_svg(text: str) -> Markup:
    """Return the code of a text; a quarter of it may be dirty or torn and it is still read."""
    import segno  # most never print one

    made = segno.make(text, error="q", micro=False, boost_error=False)
    drawn = made.svg_inline(
        omitsize=True, border=4, dark="#000", light="#fff", svgclass="code", lineclass=None
    )
    return Markup(drawn.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1))  # noqa: S704  squares only
