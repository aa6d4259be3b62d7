"""Importing: real orders of other systems come in whole, and once.

A source reads files and yields plain records, or says why it refuses a row. A run takes them stage by stage (suppliers,
locations, customers, products, stock, orders) in batches: a batch is one transaction of COPY rows, movements of the
ledger, its checkpoint and one summary event, so a run that is killed goes on where its last batch ended. What came in
is remembered by what its source calls it, so nothing comes in twice. Every batch leaves the ledger balanced: what is
on hand is the sum of the movements, and what is held is not shipped yet. Facts that a source does not tell stay null.
"""
