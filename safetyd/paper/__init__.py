"""Documents on paper: blocks in, the bytes of a PDF out, the same bytes each time.

Rule: no file, no clock, no words of its own. This package is the only door to reportlab.

    from safetyd.paper.blocks import Facts, Heading, Table, Text, Title
    from safetyd.paper.press import pdf

    document = pdf(
        [
            Title("Rooms in September", "Example School District"),
            Facts((("From", "1 September 2026"), ("Coverage", "98.2 %"))),
            Heading("Hours in breach"),
            Table(("Room", "Hours"), (("lincoln/204", "12.5"),), widths=(3, 1), right=frozenset({1})),
            Text("Hours of which nothing is known are not counted."),
        ],
        title="Rooms in September",
        foot="Head of the record: sha256:…",
    )

`safetyd.paper.blocks` has every block and mark. Texts are plain: they are never read as markup, and of any
length. What Roboto cannot show (Chinese, Arabic, emoji) stands as the number of its character, [U+738B].
"""
