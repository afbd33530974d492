"""The order service: takes orders in, holds them for people, and leads each one to its end.

It owns acceptance, the totals as submitted, holds with their gates, the verdict on costs, and
the saga: which participant is asked for what, and what is undone when an order ends early. All
participants take their instructions from here and answer here; every order has one page.
"""
