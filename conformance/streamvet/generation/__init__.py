"""Generation: tries that nobody has thought of, and the smallest one that shows what one of them has found.

Hypothesis only makes stimuli, in a process of its own (`payloads`, `programs`, `batches`); they are tried by the
campaign's own machinery, judged by the checks that judge everything, and made smaller by our own means.
"""
