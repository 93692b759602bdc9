"""Tests of aligning and judging."""
