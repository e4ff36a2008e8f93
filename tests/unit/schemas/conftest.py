"""Settings of the property tests: machines are shared, so no example fails for being slow."""

from hypothesis import settings

settings.register_profile("shared-machine", deadline=None, max_examples=60)
settings.load_profile("shared-machine")
