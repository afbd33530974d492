"""Notify owns templates and the delivery of messages, never whether there is something to tell.

Every fact that concerns a customer or the staff becomes one message per template, sent once.
Contacts are kept sealed from the order's acceptance; only the mail gateway opens them.
"""
