"""Is a day of data as it should be? Every check is declared with how much it matters and what it may tolerate.

`check` says what a check is and what it finds; `limits` holds every threshold; `events` and `features` hold the checks
of the tables, by the name of the asset that they belong to.
"""
