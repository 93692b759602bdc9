"""Tests of reading and writing traces."""
