"""`python -m client` from a checkout is the same as `slipway`."""

import sys

from .main import main

sys.exit(main())
