"""The commands of `tip bench`, by what they do: `collecting` candidates, `judging` them, `deciding` on it."""
