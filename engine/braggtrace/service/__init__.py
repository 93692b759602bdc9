"""The engine process: requests in, progress and results out, as JSON lines over stdio. `docs/engine-protocol.md`.

| module | is |
|---|---|
| `protocol` | lines: their limits, their parsing, error codes, images in replies |
| `verbs` | the table of verbs: fields, and which function answers |
| `client` | `Engine`, for whoever wants something computed |
| `ticket` | a request under way, as the client sees it |
| `link` | the engine as a child of the client: its pipes, its end |
| `transfer` | input files on their way to an engine elsewhere |
| `server` | the engine: reads requests, drives a worker, never computes |
| `child` | the worker as a child of the engine |
| `cache` | input files by content hash |
| `worker` | the process that holds torch |
| `warm` | what the worker keeps between requests |
| `compute` | the functions that answer |

Only `warm` and `compute` import torch.
"""
