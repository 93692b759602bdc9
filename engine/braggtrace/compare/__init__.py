"""Aligning two traces and judging every pair of values."""
