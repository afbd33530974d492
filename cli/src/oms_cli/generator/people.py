"""Customers who do not exist: guests and known ones, with addresses in several countries."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from oms_contracts.channel import Address, Contact

KNOWN_CUSTOMERS = 2_000
"""So many customers come back; everybody else orders as a guest."""

_FIRST = (
    "Ada", "Grace", "Edsger", "Barbara", "Donald", "Margaret", "Leslie", "Frances", "Tony", "Radia",
    "Niklaus", "Lynn", "Alan", "Hedy", "Jim", "Karen",
)  # fmt: skip
_LAST = (
    "Lindqvist", "Moreau", "Okafor", "Brandt", "Novak", "Keane", "Ferrari", "Castells", "Dijkman",
    "Haugen", "Weber", "Sato", "Marsh", "Petrov", "Silva", "Nyberg",
)  # fmt: skip
_STREETS = ("Musterstrasse", "Example Road", "Rue du Modele", "Voorbeeldlaan", "Via Esempio")


class Place(NamedTuple):
    """Where customers live, what they pay with and which tax they pay."""

    country: str
    city: str
    postal_code: str
    currency: str
    tax_percent: int


PLACES = (
    Place("DE", "Berlin", "10115", "EUR", 19),
    Place("DE", "Leipzig", "04109", "EUR", 19),
    Place("FR", "Lyon", "69001", "EUR", 20),
    Place("NL", "Utrecht", "3511", "EUR", 21),
    Place("AT", "Graz", "8010", "EUR", 20),
    Place("IT", "Torino", "10121", "EUR", 22),
    Place("ES", "Girona", "17001", "EUR", 21),
    Place("GB", "Leeds", "LS1 4AP", "GBP", 20),
    Place("CH", "Basel", "4001", "CHF", 8),
)
_WEIGHTS = (24, 12, 14, 10, 8, 8, 6, 12, 6)


class Customer(NamedTuple):
    """Who orders, and where to."""

    contact: Contact
    address: Address
    place: Place


def draw_customer(chance: Random, guests: float) -> Customer:
    """A guest with the probability `guests`, else one of the known customers.

    A known customer is always the same person at the same address.
    """
    if chance.random() < guests:
        return _customer(chance, "")
    number = chance.randrange(KNOWN_CUSTOMERS)
    return _customer(Random(f"customer {number}"), f"C-{number:06}")


def _customer(chance: Random, customer_ref: str) -> Customer:
    name = f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"
    place = chance.choices(PLACES, _WEIGHTS)[0]
    email = f"{name.lower().replace(' ', '.')}{chance.randrange(1_000)}@customers.example"
    phone = f"+00 555 {chance.randrange(1_000_000):06}" if chance.random() < 0.4 else ""
    address = Address(
        name=name,
        line1=f"{chance.choice(_STREETS)} {chance.randrange(1, 180)}",
        line2=f"Floor {chance.randrange(1, 9)}" if chance.random() < 0.2 else "",
        city=place.city,
        postal_code=place.postal_code,
        country=place.country,
    )
    contact = Contact(name=name, email=email, phone=phone, customer_ref=customer_ref)
    return Customer(contact, address, place)
