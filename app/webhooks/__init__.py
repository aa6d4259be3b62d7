"""Webhooks: what happens is told to other systems' own addresses, as a subscription would tell it.

It owns endpoints, their deliveries and every attempt. An endpoint is an address and one GraphQL subscription: whose
arguments are the filter, whose selection is the body. It acts for the user or API key that made it, and is active until
it is disabled, by hand or because nothing can be delivered, and can be enabled again. Each event that an endpoint
follows is one delivery, made exactly once; it waits until it is delivered, dead after the last attempt, or withdrawn
because its object is hidden by then. Of one endpoint and object a delivery waits for the one before it. No secret is
kept: each is made of the installation's own and of random bytes that are.
"""
