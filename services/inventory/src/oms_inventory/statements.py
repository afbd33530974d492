"""The SQL that the chassis cannot generate: shelves as differences, and queues read in part.

`$1` is the tenant everywhere; the other parameters are arrays of equal length.
"""

from __future__ import annotations

from oms_inventory.tables import GOODS_KINDS

SHELVES = """
SELECT sku, location, on_hand, reserved, moves FROM stock
WHERE tenant = $1 AND sku = ANY($2::text[])
"""

BOOKED = f"""
SELECT m.sku, m.location, m.cause
FROM unnest($2::text[], $3::text[], $4::text[]) AS u(sku, location, cause)
JOIN movement m ON m.tenant = $1
  AND m.sku = u.sku AND m.location = u.location AND m.cause = u.cause
  AND m.kind IN ({GOODS_KINDS})
"""

QUEUES = """
WITH asked AS MATERIALIZED (
  SELECT u.*, (
    SELECT min(accepted_at) FROM (
      SELECT DISTINCT rank, accepted_at, order_id FROM backorder
      WHERE tenant = $1 AND sku = u.sku AND country = u.country
      ORDER BY rank, accepted_at, order_id OFFSET u.depth) AS rest) AS rest_oldest_at
  FROM unnest($2::text[], $3::text[], $4::bigint[]) AS u(sku, country, depth))
SELECT asked.sku, asked.country, asked.rest_oldest_at, front.*
FROM asked CROSS JOIN LATERAL (
  SELECT DISTINCT rank, accepted_at, order_id FROM backorder
  WHERE tenant = $1 AND sku = asked.sku AND country = asked.country
  ORDER BY rank, accepted_at, order_id LIMIT asked.depth) AS front
ORDER BY asked.sku, asked.country, front.rank, front.accepted_at, front.order_id
"""

HOLDERS = """
SELECT u.sku, u.location, last.*
FROM unnest($2::text[], $3::text[], $4::bigint[]) AS u(sku, location, depth)
CROSS JOIN LATERAL (
  SELECT DISTINCT rank, accepted_at, order_id FROM allocation
  WHERE tenant = $1 AND sku = u.sku AND location = u.location
  ORDER BY rank DESC, accepted_at DESC, order_id DESC LIMIT u.depth) AS last
ORDER BY u.sku, u.location, last.rank DESC, last.accepted_at DESC, last.order_id DESC
"""

NEW_SHELVES = """
INSERT INTO stock (tenant, sku, location, on_hand, reserved, moves)
SELECT $1, u.* FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[]) AS u
"""

MOVE_SHELVES = """
UPDATE stock AS s SET
  on_hand = s.on_hand + u.on_hand, reserved = s.reserved + u.reserved, moves = s.moves + u.moves
FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
  AS u(sku, location, on_hand, reserved, moves, known_moves)
WHERE s.tenant = $1 AND s.sku = u.sku AND s.location = u.location AND s.moves = u.known_moves
"""
"""Lines of the book are numbered from the count that was loaded: no number is given twice, since
a shelf whose count is another is not written, and then nothing is (see `Changes.save`)."""

HOLD = """
INSERT INTO allocation (tenant, sku, location, order_id, line_id, rank, accepted_at, qty)
SELECT $1, u.* FROM unnest($2::text[], $3::text[], $4::text[], $5::text[],
  $6::int[], $7::timestamptz[], $8::int[]) AS u
ON CONFLICT (tenant, sku, location, order_id, line_id) DO UPDATE SET qty = EXCLUDED.qty
"""

HOLD_NO_MORE = """
DELETE FROM allocation AS a
USING unnest($2::text[], $3::text[], $4::text[], $5::text[])
  AS u(sku, location, order_id, line_id)
WHERE a.tenant = $1 AND a.sku = u.sku AND a.location = u.location
  AND a.order_id = u.order_id AND a.line_id = u.line_id
"""

WAIT = """
INSERT INTO backorder (tenant, sku, order_id, line_id, request_id, country, rank, accepted_at,
  location, qty, eta, po_line)
SELECT $1, u.* FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[],
  $8::timestamptz[], $9::text[], $10::int[], $11::timestamptz[], $12::text[]) AS u
ON CONFLICT (tenant, sku, order_id, line_id, request_id)
DO UPDATE SET qty = EXCLUDED.qty, eta = EXCLUDED.eta, po_line = EXCLUDED.po_line
"""

WAIT_NO_MORE = """
DELETE FROM backorder AS b
USING unnest($2::text[], $3::text[], $4::text[], $5::text[])
  AS u(sku, order_id, line_id, request_id)
WHERE b.tenant = $1 AND b.sku = u.sku
  AND b.order_id = u.order_id AND b.line_id = u.line_id AND b.request_id = u.request_id
"""
