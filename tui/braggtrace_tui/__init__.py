"""Everything of braggtrace that meets a person: the command line and the screens."""
