"""Reading, holding and writing traces."""
