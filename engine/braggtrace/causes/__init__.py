"""Causes: named changes that turn a right value into a wrong one, each proved by applying it."""
