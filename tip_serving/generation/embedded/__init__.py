"""Offline writers behind `embedded/...`: honest baselines that an LLM has to beat.

They see what an LLM sees, the rendered messages, and nothing else. From naive to decent: `maxim`, `first`, `planner`.
"""

from tip_serving.generation.embedded.first import FIRST
from tip_serving.generation.embedded.maxim import MAXIM
from tip_serving.generation.embedded.planner import PLANNER

WRITERS = {writer.name: writer for writer in (MAXIM, FIRST, PLANNER)}
"""Every writer by name; the model is `embedded/<name>`."""
