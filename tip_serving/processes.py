"""A module of ours as a child process that speaks lines over pipes and never outlives its parent.

The child reads standard input and ends when it ends; what it prints as an error is kept and shown only if it dies.
"""

import subprocess
import sys
import tempfile
from contextlib import suppress
from typing import IO

from tip_serving import settings

_LAST_WORDS = 2_000  # characters of a dead child's standard error that are shown
_ENDS_WITHIN_S = 5.0


class ModuleProcess:
    """`python -m module arguments`, started; it may still be importing.

    Args:
        module: runs until its standard input ends, and answers on its standard output.
        arguments: of its command line.
    """

    def __init__(self, module: str, *arguments: str) -> None:
        self.module = module
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed in end()
        self.process = subprocess.Popen(  # noqa: S603  our own module
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=settings.child_environment(PYTHONUNBUFFERED="1"),
        )

    def last_words(self) -> str:
        """How it ended and what it said last."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(1.0)
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip()[-_LAST_WORDS:]
        return f"{self.module} ended with exit code {self.process.poll()}: {said or 'it said nothing'}"

    def end(self) -> None:
        """Close its pipes and see it off."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        try:
            self.process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._errors.close()
