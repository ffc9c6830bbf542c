"""The lake: all that crosses a process boundary.

`storage` reads and writes it atomically at any fsspec URL, `layout` builds every path, `tables` are its Parquet files.
"""
