"""`python -m tip_serving`: the `tip` command, where no script was installed."""

from tip_serving.cli import main

if __name__ == "__main__":
    main(prog_name="tip")
