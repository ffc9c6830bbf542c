"""How text is made from messages: the catalog of models, the gateway to them, and the embedded writers."""
