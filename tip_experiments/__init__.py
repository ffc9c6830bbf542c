"""Pure statistics: assignment, policies, off-policy evaluation, comparison tests.

Nothing here knows a framework, the network or the clock.
"""
