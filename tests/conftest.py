"""What holds for every test: Hypothesis has no clock, and a failure can be repeated."""

from hypothesis import settings

settings.register_profile("harkara", deadline=None, print_blob=True)
settings.load_profile("harkara")
