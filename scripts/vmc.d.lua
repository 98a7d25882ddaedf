---@meta vmc
-- What a vmc script can call, for editors that read LuaLS annotations.
--
-- A script defines exactly one of these functions:
--
--   transform(row, ctx)         one row in; a row, a list of rows, or nil (drop it) out
--   transform_batch(rows, ctx)  all rows of a batch in; a list of rows out
--   filter(row, ctx)            one row in; true keeps it
--
-- Everything below may be called anywhere in a script: while it loads (at its top level) and inside these
-- three functions; exceptions are noted. Globals may be assigned while the script loads only; state that
-- shall live from row to row belongs in a local of the file. Scripts are deterministic: there is no clock, no
-- file, no network, and math.random gives the same numbers in every run. pairs() and next() go through keys
-- in order (numbers, then text), and table.sort is stable.
--
-- Values: 64-bit integers are Lua integers, floats are floats, text and bytes are strings, UUIDs are their
-- text, JSON columns are their text (vmc.json.decode reads it); decimals, dates and times are the types
-- below; NULL is vmc.null. In a row that is returned, nil and vmc.null both mean NULL. A value that its
-- column cannot hold exactly refuses the row; a float never goes into a decimal or integer column.

---A row: column names to values.
---@alias vmc.Row table<string, any>

---@class vmc.Context
---What the workflow passes to the script (its "params"); an ordinary table.
---@field [string] any

---@alias vmc.Rounding "half_up" | "half_even" | "down"

---@class vmc.Null
local null = {}

---@class vmc.Decimal
---An exact decimal number of up to 1,000 digits. + - and * are exact and take integers too; == < <= compare
---by value (with == both sides must be decimals); / does not exist, see vmc.div. Concatenates as text.
---@field scale integer digits after the point, as written
---@operator add(vmc.Decimal|integer): vmc.Decimal
---@operator sub(vmc.Decimal|integer): vmc.Decimal
---@operator mul(vmc.Decimal|integer): vmc.Decimal
---@operator unm: vmc.Decimal
local Decimal = {}

---Rounds to this many digits after the point; "half_up" (away from zero) unless told otherwise.
---@param scale integer
---@param rounding? vmc.Rounding
---@return vmc.Decimal
function Decimal:round(scale, rounding) end

---@return vmc.Decimal
function Decimal:abs() end

---The value as an integer, or nil when it is none of 64 bits.
---@return integer?
function Decimal:to_integer() end

---The nearest float. Not exact: for statistics, not for money.
---@return number
function Decimal:to_float() end

---@return string
function Decimal:text() end

---@class vmc.DateTime
---What dates, times and timestamps share. == < <= compare two of the same type; a - b gives days for dates
---and microseconds for the others. Immutable.
---@field infinite boolean 'infinity' and '-infinity' of PostgreSQL; then no other field exists
local DateTime = {}

---@param days integer
---@return self
function DateTime:add_days(days) end

---Stays in the month it reaches: January 31 plus one month is the last of February.
---@param months integer
---@return self
function DateTime:add_months(months) end

---Not for dates.
---@param seconds integer
---@return self
function DateTime:add_seconds(seconds) end

---Not for dates.
---@param micros integer
---@return self
function DateTime:add_micros(micros) end

---"2024-02-29", "13:30:00.25", "2024-02-29T13:30:00.25", "2024-02-29T13:30:00Z"
---@return string
function DateTime:iso() end

---As databases write it: "2024-02-29 13:30:00+00".
---@return string
function DateTime:text() end

---%Y %y %m %d %j (day of the year) %H %M %S %f (microseconds) %z %%
---@param pattern string
---@return string
function DateTime:format(pattern) end

---@class vmc.Date: vmc.DateTime
---@field year integer
---@field month integer
---@field day integer
---@field weekday integer 1 is Monday, 7 is Sunday
---@field yearday integer from 1
---@field epoch_days integer days since 1970-01-01
---@operator sub(vmc.Date): integer

---@class vmc.Time: vmc.DateTime
---@field hour integer
---@field minute integer
---@field second integer
---@field microsecond integer
---@field micros integer the whole time, in microseconds
---@field negative boolean MySQL has times below zero
---@operator sub(vmc.Time): integer

---@class vmc.Timestamp: vmc.Date, vmc.Time
---A point in time without a zone.
---@operator sub(vmc.Timestamp): integer

---@class vmc.TimestampTz: vmc.Date, vmc.Time
---An instant; its fields are in UTC.
---@operator sub(vmc.TimestampTz): integer

---@class vmc
---@field null vmc.Null NULL. Is not nil and counts as true: compare with row.x == vmc.null.
vmc = {}

---An exact number from text ("12.50", "1e3"), an integer, a float without fraction, or a decimal (given
---back). NULL stays NULL. Anything else is an error of the row.
---@param value string|integer|vmc.Decimal|vmc.Null
---@return vmc.Decimal
function vmc.decimal(value) end

---a / b with `scale` digits after the point.
---@param a string|integer|vmc.Decimal
---@param b string|integer|vmc.Decimal
---@param scale integer
---@param rounding? vmc.Rounding "half_up" unless told otherwise
---@return vmc.Decimal
function vmc.div(a, b, scale, rounding) end

---From "2024-02-29", from text and a pattern (as in :format), from numbers, or the day of a timestamp.
---NULL stays NULL, here and in the three below.
---@param value string|vmc.Date|vmc.Timestamp|vmc.TimestampTz|vmc.Null
---@param pattern? string
---@return vmc.Date
---@overload fun(year: integer, month: integer, day: integer): vmc.Date
function vmc.date(value, pattern) end

---From "13:30:00.25", text and a pattern, numbers, or the time of day of a timestamp.
---@param value string|vmc.Time|vmc.Timestamp|vmc.TimestampTz|vmc.Null
---@param pattern? string
---@return vmc.Time
---@overload fun(hour: integer, minute?: integer, second?: integer, microsecond?: integer): vmc.Time
function vmc.time(value, pattern) end

---From "2024-02-29 13:30:00" (or with T), text and a pattern, numbers, or a date (midnight).
---@param value string|vmc.Timestamp|vmc.Date|vmc.Null
---@param pattern? string
---@return vmc.Timestamp
---@overload fun(year: integer, month: integer, day: integer, hour?: integer, minute?: integer, second?: integer, microsecond?: integer): vmc.Timestamp
function vmc.timestamp(value, pattern) end

---From text that ends with Z or an offset, text and a pattern with %z, numbers (UTC), or a date (midnight UTC).
---@param value string|vmc.TimestampTz|vmc.Date|vmc.Null
---@param pattern? string
---@return vmc.TimestampTz
---@overload fun(year: integer, month: integer, day: integer, hour?: integer, minute?: integer, second?: integer, microsecond?: integer): vmc.TimestampTz
function vmc.timestamptz(value, pattern) end

---map[key]. A key that is missing (or NULL) gives the default; without a default it refuses the row.
---@generic V
---@param map table<any, V>
---@param key any
---@param default? V
---@return V
function vmc.lookup(map, key, default) end

---Writes a line to the run's log; print() is the same. A few hundred lines a batch are kept.
---@param ... any
function vmc.log(...) end

---@class vmc.json
vmc.json = {}

---Integers become integers, other numbers decimals, null vmc.null. At most 64 levels and 100,000 values.
---@param text string
---@return any
function vmc.json.decode(text) end

---Keys are sorted; decimals stay numbers, dates become ISO text. An empty table is {} unless it was made or
---decoded as an array.
---@param value any
---@return string
function vmc.json.encode(value) end

---Marks a table (or a new one) as an array, so that it is written as [] when empty.
---@param list? table
---@return table
function vmc.json.array(list) end

---@class vmc.text
vmc.text = {}

---@param text string
---@return string
function vmc.text.trim(text) end

---Splits at a plain separator; always at least one part.
---@param text string
---@param separator string
---@return string[]
function vmc.text.split(text, separator) end

---ASCII letters only.
---@param text string
---@return string
function vmc.text.upper(text) end

---ASCII letters only.
---@param text string
---@return string
function vmc.text.lower(text) end

---Characters, not bytes.
---@param text string
---@return integer
function vmc.text.length(text) end

---Characters `first` to `last`, counted from 1.
---@param text string
---@param first integer
---@param last? integer
---@return string
function vmc.text.sub(text, first, last) end

---@param text string
---@param prefix string
---@return boolean
function vmc.text.starts_with(text, prefix) end

---@param text string
---@param suffix string
---@return boolean
function vmc.text.ends_with(text, suffix) end

---@param text string
---@param part string
---@return boolean
function vmc.text.contains(text, part) end

---Plain text, no patterns.
---@param text string
---@param what string
---@param with string
---@return string
function vmc.text.replace(text, what, with) end

---@class vmc.hash
vmc.hash = {}

---Lower-case hex.
---@param text string
---@return string
function vmc.hash.sha256(text) end

---Lower-case hex.
---@param key string
---@param text string
---@return string
function vmc.hash.hmac_sha256(key, text) end

---@param row vmc.Row
---@param ctx vmc.Context
---@return vmc.Row | vmc.Row[] | nil
function transform(row, ctx) end

---@param rows vmc.Row[]
---@param ctx vmc.Context
---@return vmc.Row[]
function transform_batch(rows, ctx) end

---@param row vmc.Row
---@param ctx vmc.Context
---@return boolean
function filter(row, ctx) end
