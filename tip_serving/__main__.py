"""`python -m tip_serving`: the server where options follow or nothing does, else the `tip` command.

So a container runs `python -m tip_serving --port 8000`, and who has no scripts `python -m tip_serving bench run`.
"""

import sys

_OF_THE_COMMAND = {"-h", "--help", "--version"}


def _run() -> None:
    arguments = sys.argv[1:]
    if arguments and (not arguments[0].startswith("-") or arguments[0] in _OF_THE_COMMAND):
        from tip_serving.cli import main

        main(prog_name="tip")
    else:
        from tip_serving.api.cli import serve
        from tip_serving.settings import SettingsError

        try:
            serve(prog_name="python -m tip_serving")
        except SettingsError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    _run()
