"""Transport: parcels on their way to a customer, and the journey that carriers report.

It owns shipments and their tracking events. A shipment is CREATED, then DISPATCHED when it leaves its origin, which
consumes the stock that was held for it; from then on its status is that of the tracking event that occurred last,
whatever order the events arrive in, until it is DELIVERED or RETURNED. A shipment is delivered once, a report that
carries a source reference counts once, and the tracking token that strangers may follow it by is never guessable.
"""
