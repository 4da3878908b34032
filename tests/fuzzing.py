"""Files that were damaged by chance, read one after the other: each must be read, or refused for a reason.

`python -m tests.fuzzing FORM [N [SEED]]` prints the seed of the first file that breaks its reader, and exits 1. In the
portal that is refused all the same, for `reports.extraction` reads each in a process of its own; here it is a fault,
for an editor would be told the wrong reason.
"""

import random
import sys
from functools import partial

from reports import extraction
from tests.samples import SAMPLES, repacked

MOST = 12  # changes of one file


SIGNS = "\u202e\u200b\ufeff\ud7ff\U0010fffd①[1]（一）#\f\u3000\n。第章"


def garbled(text, chance):
    """Return a text with some characters put in, taken out, doubled or put elsewhere."""
    for _ in range(chance.randint(1, MOST * 2)):
        at, some, other = (chance.randrange(most) for most in (len(text) + 1, 40, len(text) + 1))
        text = chance.choice(
            [
                text[:at] + text[at + some :],
                text[:at] + text[at : at + some] * 2 + text[at + some :],
                text[:at] + chance.choice(SIGNS) * chance.choice([1, 1, 2, 300]) + text[at:],
                text[:at] + text[other : other + some] + text[at:],
            ]
        )
    return text


def damaged(content, chance):
    """Return bytes with some of them changed, taken out, doubled or put elsewhere."""
    content = bytearray(content)
    for _ in range(chance.randint(1, MOST)):
        at, some = chance.randrange(len(content)), chance.choice([1, 1, 4, 60, 2000])
        change = chance.randrange(6)
        if change == 0:
            content[at : at + some] = bytes(chance.randrange(256) for _ in range(min(some, 60)))
        elif change == 1:
            del content[at : at + some]
        elif change == 2:
            content[at:at] = content[at : at + some]
        elif change == 3:
            content[at] ^= 1 << chance.randrange(8)
        elif change == 4:
            other = chance.randrange(len(content))
            content[other:other] = content[at : at + some]
        else:
            content[at:at] = chance.choice(
                [b"\0", b"\xff\xfe", b"9" * 20, b"<", b"&a;", b"(", b"\xe2\x80\xae", b"endobj"]
            )
        if not content:
            content = bytearray(b" ")
    return bytes(content)


def main(form, n=200, seed=0):
    taken = 0
    for number in range(seed, seed + n):
        chance = random.Random(number)  # noqa: S311
        if form in ("text", "html") and number % 2:
            content = garbled(SAMPLES[form]().decode(), chance).encode()
        elif form == "docx" and number % 4:  # in its parts, for what packs them would find them damaged
            part = chance.choice(["word/document.xml", "word/footnotes.xml", "word/styles.xml", "[Content_Types].xml"])
            content = repacked(SAMPLES[form](), {part: partial(damaged, chance=chance)})
        else:
            content = damaged(SAMPLES[form](), chance)
        ended = ""
        try:
            extraction.read_content(content)
            ended = "read"
        except extraction.Refused as refused:
            assert str(refused).endswith("."), refused
            ended = "refused"
        except (MemoryError, RecursionError):
            ended = "burst"  # the process says so itself
        finally:
            if not ended:
                print(f"{form}: seed {number}")
        taken += ended == "read"
    print(f"{form}: {taken} of {n} read, the others refused")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
