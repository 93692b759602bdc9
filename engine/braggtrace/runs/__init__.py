"""Runs: what was asked of a backend, where, and what came of it; kept in a folder each. No torch.

| module | is |
|---|---|
| `recorded` | the comment lines of a trace that say what made it |
| `requests` | what a run is asked for |
| `store` | the folders, in `.braggtrace/runs/` |
| `launch` | a run of an engine, recorded |
| `sweep` | one request with many settings, each compared with a reference |
"""
