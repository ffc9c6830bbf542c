"""The routes of the admin process: each reads a request, calls one function of the service and shapes the answer."""
