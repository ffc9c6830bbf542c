"""The HTTP shell: which tip now (`/score`), one new tip (`/generate`), how it was taken (`/feedback`), and operations."""
