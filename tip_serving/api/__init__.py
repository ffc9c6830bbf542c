"""The HTTP shell: which tip now (`/score`), a new tip (`/generate`), how it was taken (`/feedback`), operations."""
