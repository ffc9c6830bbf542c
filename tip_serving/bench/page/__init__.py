"""The leaderboard as a page that opens from disk, and the same table as Markdown and CSV.

`content` says what a page holds, `sample` which tips go along, `words` and `figures` turn numbers into sentences and
drawings, `render` puts them into one file, `text` writes the table without a page.
"""
