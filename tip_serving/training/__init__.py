"""From what was logged to what models are trained on. No request passes through here."""
