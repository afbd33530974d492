"""How a payment is written down: what never changes apart from what does."""

from __future__ import annotations

from msgspec.structs import replace

from oms_billing.domain import Payment, Terms
from oms_chassis.store import codec

_encode, _decode = codec(Payment)
_encode_terms, _decode_terms = codec(Terms)


def head(payment: Payment) -> bytes:
    """The terms a payment was born with; empty for one that began with a void."""
    return _encode_terms(payment.head) if payment.head else b""


def doc(payment: Payment) -> bytes:
    """All of a payment but what `head` holds already."""
    if payment.head is None:
        return _encode(payment)
    first, *later = payment.attempts
    attempts = (replace(first, asked=None), *later)
    return _encode(replace(payment, head=None, attempts=attempts))


def read_payment(head: bytes, doc: bytes) -> Payment:
    """A payment from its two columns."""
    payment = _decode(doc)
    if not head:
        return payment
    terms = _decode_terms(head)
    first, *later = payment.attempts
    return replace(payment, head=terms, attempts=(replace(first, asked=terms), *later))
