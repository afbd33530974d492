"""Billing owns the money of an order: the payment and its captures per shipment, invoices and
credit notes, what customers owe, refunds, and the A/R ledger that all of it is posted to."""
