"""The demo: simulated people live with the real programs for some days, and what was learnt of them is released.

In the order of the story:

    plan        what a demo is asked to do, fixed when it begins
    people      who the people are           tasks     what is on their lists      rhythm   when they open the app
    tastes      which tip they would take, with which probability; so the best choice and the regret are known
    processes   server, consumers and broker, started again when they die
    living      one stretch of virtual time: openings, tips, reactions, signals, until all of it is in the event store
    journal     which steps are done; a demo that was killed goes on behind the last one
    story       the steps in their order: bench, days, training, release
    page        what happened, in pictures
"""
