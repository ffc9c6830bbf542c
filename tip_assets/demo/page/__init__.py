"""The page that a demo ends with: what happened, in pictures, in one HTML file that needs nothing beside it.

`content` is what it tells, `gathering` finds that in journal and lake, `views` says where things stand in the
drawings, `render` makes the file of the templates under `parts`.
"""
