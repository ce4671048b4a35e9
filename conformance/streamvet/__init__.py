"""streamvet: the conformance suite for HTTP progress-event streams.

Four floors, imports go down only: `framing` (bytes to frames), `trace` and `contract` with `decode` (values and what
can be computed from them), `recorder`, `probes` and `checks`, and on top `verdicts`, `report`, `campaign`, `prove` and
`cli`.
"""

__version__ = "0.1.0"
