"""What happened, as typed events: the log that keeps them off a request's path, and the store that has each once."""
