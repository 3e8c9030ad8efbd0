"""Run the command `harkara` as `python -m cli`."""

import sys

from cli import main

if __name__ == "__main__":
    sys.exit(main())
