"""What happened to a person's tips, as typed events, and the log that keeps them off the request's path."""
