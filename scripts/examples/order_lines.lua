-- One order in, one row for each of its lines out: totals with tax, exact to the cent.
--
--   vmc lua run scripts/examples/order_lines.lua --input scripts/examples/order_lines.input.ndjson

local tax_rates = { DE = vmc.decimal("0.19"), AT = vmc.decimal("0.20"), CH = vmc.decimal("0.081") }

function transform(order)
  local rate = vmc.lookup(tax_rates, order.country, vmc.decimal(0))
  local placed = vmc.timestamptz(order.placed_at)
  local rows = {}
  for number, line in ipairs(order.lines) do
    local net = vmc.decimal(line.price) * line.quantity
    local tax = (net * rate):round(2)
    rows[number] = {
      order_id = order.id,
      line = number,
      sku = vmc.text.upper(line.sku),
      net = net,
      tax = tax,
      gross = net + tax,
      placed_on = vmc.date(placed),
      key = vmc.hash.sha256(order.id .. "/" .. number),
    }
  end
  return rows
end
