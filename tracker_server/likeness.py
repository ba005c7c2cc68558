"""How alike two names are."""


def plain(text: str) -> str:
    """Return a name without what makes no difference: case, and how words are joined."""
    return text.casefold().replace("-", " ").replace("_", " ")


class Likeness:
    """How like one name others are.

    The measure is twice the length of the longest common subsequence by the length of both, as
    that of `difflib` is, but the same both ways and in a quarter of the time: the subsequence of a
    name with all that begins the other one is in the bits of one integer (Hyyrö 2004).
    """

    def __init__(self, name: str) -> None:
        """`name` is written as `plain` writes it, as are those it is compared with."""
        self._length = len(name)
        self._places: dict[str, int] = {}
        for place, sign in enumerate(name):
            self._places[sign] = self._places.get(sign, 0) | 1 << place

    def to(self, other: str) -> float:
        """Return 1 for the same name, 0 for one that has no character in common or is empty."""
        places, every = self._places, (1 << self._length) - 1
        rest = every
        for sign in other:
            here = rest & places.get(sign, 0)
            rest = (rest + here | rest - here) & every
        common = self._length - rest.bit_count()
        return 2 * common / (self._length + len(other)) if common else 0.0
