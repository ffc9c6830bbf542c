"""Who may come in, for admins."""
