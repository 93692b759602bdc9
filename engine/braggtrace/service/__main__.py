"""`python -m braggtrace.service`: the same as `braggtrace engine`, without the command line."""

import sys

from braggtrace.service.cache import FileCache
from braggtrace.service.server import serve

if __name__ == "__main__":
    sys.exit(serve(FileCache()))
