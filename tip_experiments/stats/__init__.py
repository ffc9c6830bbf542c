"""Statistics of cells and arms. `clustered`: means of scores that come in clusters."""
