"""What a tip is, how one is made, judged and served: a framework-free core, and shells on it.

In data-flow order: `settings`, `lake`; `scenarios`, `features`, `prompts`, `generation` make a tip;
`bench` compares (model, prompt) cells; `cli` is the root of the command line.
"""
