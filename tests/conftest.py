"""How examples are made up for properties.

The same ones each time, however long they take on a busy machine: what a change has nothing to do
with does not stop it. ``pytest --hypothesis-profile=explore`` makes up others.
"""

from hypothesis import settings

settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1_000, print_blob=True)
settings.load_profile("same")
