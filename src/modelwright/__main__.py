"""``python -m modelwright``: the command line."""

from modelwright.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
