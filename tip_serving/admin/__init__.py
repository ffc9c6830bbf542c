"""The admin API and the panel: a shell on the bench, for people who do not live in a terminal.

`service` does what people ask for and checks who asks; `auth` knows who that is; `api` are the routes, `panel` the
pages. Routes and pages hold no logic: each calls one function of the service, with the acting user.
"""
