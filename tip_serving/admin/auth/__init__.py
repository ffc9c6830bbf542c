"""Who is asking: accounts, passwords, sessions, tokens, webhook keys, sign-in by OpenID Connect, and the audit log.

Everything secret is kept as a hash, or follows from the one secret file under TIP_HOME that the first start makes.
"""
