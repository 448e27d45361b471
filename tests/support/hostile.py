"""A process whose name is an attack on the terminal that shows it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

NAME = "\x1b[2J\x1b]0;ow\x07"
SHOWN = "␛[2J␛]0;ow␇"
_CODE = f"""
open('/proc/self/comm', 'w').write({NAME!r})
big = b'x' * (150 << 20)  # so that it stands at the top of what is sorted by memory
print('named', flush=True)
input()
"""


@contextmanager
def hostile_process() -> Iterator[None]:
    """Let it live for as long as the block."""
    process = subprocess.Popen([sys.executable, "-c", _CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"named\n"
        yield
    finally:
        process.kill()
        process.communicate()
