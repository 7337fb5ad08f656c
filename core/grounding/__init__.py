"""Does a sample speak of API names that the library does not have, or show code that does not parse?"""

from docutune.grounding.check import REVISION, complaints, used
from docutune.grounding.existence import is_invented

__all__ = ["REVISION", "complaints", "is_invented", "used"]
