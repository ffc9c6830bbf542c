"""From scores to what can be said of cells: all numbers come from `tip_experiments`, names are put to them here.

`board` is one judge's view of the cells, `pairwise` what the judge said of pairs, `judges` and `drift` the judges
beside one another, `tips` the tips that go along, `report` all of it for one experiment.
"""
