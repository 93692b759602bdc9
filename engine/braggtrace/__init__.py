"""braggtrace: find the first place where two diffraction simulators disagree.

This module is deliberately tiny: importing it loads neither numpy nor torch. Import what you need from
`braggtrace.trace`, `braggtrace.compare`, `braggtrace.quantities` and `braggtrace.errors`.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
