"""What is known of a person and of a moment, as declared features: `context` from clock and tasks, `profile` shipped."""
