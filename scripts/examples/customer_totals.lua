-- Sees a whole set of rows at once: one row a customer with count, sum and average of its payments.
--
--   vmc lua run scripts/examples/customer_totals.lua --input scripts/examples/customer_totals.input.ndjson

function transform_batch(rows)
  local customers = {}
  for _, row in ipairs(rows) do
    local seen = customers[row.customer]
    if not seen then
      seen = { customer = row.customer, payments = 0, total = vmc.decimal("0.00") }
      customers[row.customer] = seen
    end
    seen.payments = seen.payments + 1
    seen.total = seen.total + row.amount
    local day = vmc.date(row.paid_on, "%d.%m.%Y")
    if not seen.last_payment or day > seen.last_payment then seen.last_payment = day end
  end

  local out = {}
  for _, customer in pairs(customers) do -- in order of the names
    customer.average = vmc.div(customer.total, customer.payments, 2)
    out[#out + 1] = customer
  end
  vmc.log(#rows, "payments of", #out, "customers")
  return out
end
