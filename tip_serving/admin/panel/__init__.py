"""The pages of the bench in a browser, served by the process that serves the API.

A page is a view (a component under `views/` that draws, and holds what a person is typing) and a module here that hands
it what the service answers. Every event of an open page reads the user anew and calls one function of the service.

    panel    mounts the pages      visitor    who looks, and the guard of every event
    live     shares answers        shown      what the service answers, in a reader's words
"""
