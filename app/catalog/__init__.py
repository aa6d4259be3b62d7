"""Catalog: what is offered, where, and at what price.

It owns products, channels and prices. A product is a draft until it is published, and is archived rather than deleted;
archived products may be published again. Its SKU is unique for ever, its GTIN is unique and has a right check digit,
and there is one price for each product, channel and currency, which is never negative.
"""
