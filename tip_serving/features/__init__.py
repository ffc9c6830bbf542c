"""What is known of a person and of a moment, as declared features.

`context` is derived from clock and tasks, `profile` is shipped by the caller.
"""
