"""`python -m braggtrace_tui` is `braggtrace`."""

import sys

from braggtrace_tui.commands.main import main

sys.exit(main())
