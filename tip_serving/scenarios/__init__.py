"""The situations a tip is written for: what one is, a generator of them, and import of a team's own lists."""
