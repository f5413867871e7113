"""How long hypothesis looks for a counterexample.

Rule: as long as each law says, on every machine, and however slow that is; only who asks for the profile
`quick`, as `make unit` does, has a fifth of it.
"""

from hypothesis import settings

settings.register_profile("thorough", deadline=None)
settings.register_profile("quick", settings.get_profile("thorough"), max_examples=20)
settings.load_profile("thorough")
