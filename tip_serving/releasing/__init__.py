"""Releases: from a proposal to a champion, step by step, and back where a guardrail says so.

plan         what a rollout asks for before it goes on: decisions, hours, guardrails
proposal     what somebody wants released, and by which plan
step         one thing that was decided, and what it rests on
journal      all steps of all proposals in one order; a step is added only by who knows every one before
state        what a proposal has come to, read off its steps
ports        what a release needs from elsewhere: registry, checks, events, evidence
proposing    `propose`, `withdraw`
advancing    `advance`: the one thing that is next
people       `approve`, `rollback`
"""
