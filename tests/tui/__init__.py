"""Tests of the screens and of the pure functions behind them."""
