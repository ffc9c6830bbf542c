"""Stream consumers: events from JetStream into the event store, and the commands that look after streams."""
