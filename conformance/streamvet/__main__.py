"""`python -m streamvet`: the command line."""

from __future__ import annotations

from streamvet.cli import main

if __name__ == "__main__":
    main()
