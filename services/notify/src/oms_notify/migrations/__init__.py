"""Notify's database, revision by revision, and what leaves it when it is old."""

from oms_chassis.retiring import Ended

ENDED = (Ended("messages", "messages", "order_id", "r.attention = ''"),)
