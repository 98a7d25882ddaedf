-- Shapes opportunities of a CRM for a reporting table: exact amounts, real dates, a stage as a number.
--
--   vmc lua run scripts/examples/opportunities.lua --input scripts/examples/opportunities.input.ndjson

local stages = { Prospecting = 1, Proposal = 2, Negotiation = 3, ["Closed Won"] = 4, ["Closed Lost"] = 5 }

function transform(row)
  if row.IsDeleted then return nil end -- dropped

  local amount = vmc.decimal(row.Amount) -- NULL stays NULL
  local discount = amount ~= vmc.null and amount > 10000 and vmc.decimal("0.05") or vmc.decimal(0)
  local closes = vmc.date(row.CloseDate)

  return {
    id = row.Id,
    name = vmc.text.trim(row.Name),
    amount = amount,
    net = amount == vmc.null and vmc.null or (amount * (1 - discount)):round(2),
    stage = vmc.lookup(stages, row.StageName), -- an unknown stage refuses the row
    closes = closes,
    quarter = string.format("%d-Q%d", closes.year, (closes.month + 2) // 3),
  }
end
