"""Numbers that came as text from outside: addresses, forms, queries (SEC-34)."""

LARGEST = 2**63 - 1
"""What a database keeps as a whole number."""


def whole(text: object) -> int | None:
    """The whole number that `text` is: ASCII digits alone, at most what a database keeps; None for anything else.

    `str.isdigit` is no test for this: it takes "²", and `int` refuses numbers of thousands of digits.
    """
    digits = str(text)
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= len(str(LARGEST))):
        return None
    number = int(digits)
    return number if number <= LARGEST else None


def wholes(texts: "list[str]") -> list[int]:
    """Those of `texts` that are whole numbers, in their order."""
    return [number for text in texts if (number := whole(text)) is not None]
