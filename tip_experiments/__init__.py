"""Pure statistics: assignment, policies, off-policy evaluation, comparison tests, the release gate.

In reading order:

- `assignment` says which variation a unit gets; `policies` choose an arm with a known probability and learn;
- `ope` says what another policy would have earned by the same log; `gate` whether it may be released;
- `stats` compares cells of a bench and arms of a test; `racing` drops cells that cannot win any more;
- `simulator` holds worlds with known truth to try all of it on; `notebooks` are for reading.

Nothing here knows a framework, the network or the clock; chance comes in as a generator.
"""
