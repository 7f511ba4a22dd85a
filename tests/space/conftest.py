"""Property tests on a shared machine: no deadline for a single example, examples that are the same every time."""

from hypothesis import settings

settings.register_profile("space", deadline=None, derandomize=True)
settings.load_profile("space")
