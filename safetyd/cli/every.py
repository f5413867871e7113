"""All commands.

Rule: one that is not imported here does not exist, but for `run`, which the entry loads alone.
"""

from safetyd.cli import (  # noqa: F401 - commands register themselves
    accounts,
    acting,
    assigning,
    attaching,
    auditing,
    copying,
    demo,
    doctoring,
    electricity,
    explaining,
    exporting,
    gateways,
    history,
    importing,
    keeping,
    listening,
    looking,
    proving,
    recorded,
    reporting,
    reports,
    sensing,
    serving,
    shelving,
    supposing,
    trying,
    watching,
)
