"""Say why: replay the steps of two traces, find the roots of their divergences, and what they matter.

`braggtrace.replay.pair.explain_pair` does it all; its result, `braggtrace.replay.model.Explanation`, is plain data, and
`braggtrace.replay.story` puts it into words. Those two need no torch.
"""
