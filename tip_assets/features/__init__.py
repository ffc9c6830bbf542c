"""Features of people as assets: snapshots of profiles, the training set, what the server reads online, and Feast."""
