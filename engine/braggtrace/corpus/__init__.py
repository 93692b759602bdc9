"""The corpus that keeps explanations honest: faults seeded into the engine itself, explained, and counted."""
