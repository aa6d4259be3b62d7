"""Warehouse work: which location serves an order, and the picking and packing of it there.

It owns fulfilments (the part of one order that one location serves), their lines, the parcels they are packed into
and what is in each parcel. A fulfilment goes ALLOCATED, PICKING, PICKED, PACKED, SHIPPED, or ends CANCELLED. It never
holds that more was packed than picked, picked than allocated, or allocated than ordered; a parcel never contains
what its fulfilment did not pick; and goods are held at the fulfilment's location from allocation to dispatch.
"""
