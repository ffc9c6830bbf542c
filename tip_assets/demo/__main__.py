"""The driver: `python -m tip_assets.demo`, in an environment that `tip demo` has made. See `driver`."""

from tip_assets.demo.driver import main

if __name__ == "__main__":
    main()
