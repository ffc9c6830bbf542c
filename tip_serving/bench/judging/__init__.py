"""From candidates to scores: who judges what, how it is handed out, and how it comes back.

In data-flow order: `rubric` says by what is judged, `allocation` what each judge is given, `export` hands out blind
batches, `automatic` and `language_model` are judges of ours (the latter made of `terms`, `sitting`, `asking`,
`questions`, `answers`, `journal` and `sessions`), `intake` takes score files, `scores` and `verdicts`
keep what stands, `anchors` tell how steady a judge is.
"""
