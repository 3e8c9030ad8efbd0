"""`python -m local.admin` is `harkara`."""

import sys

from local.admin import main

if __name__ == "__main__":
    sys.exit(main())
