// vmc.* as scripts use it.
#include "harness.hpp"

#include <fstream>

namespace vmc::script::test {
namespace {

// Pairs of an expression and what tostring() of it must be.
void expect(const std::vector<std::pair<std::string, std::string>>& cases) {
  std::vector<std::string> expressions;
  for (const auto& test : cases) expressions.push_back(test.first);
  const auto answers = evaluate_all(expressions);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    INFO(cases[i].first);
    if (cases[i].second.starts_with("error")) {
      CHECK_THAT(answers[i], Catch::StartsWith("error: ") && Catch::Contains(cases[i].second.substr(6)));
    } else {
      CHECK(answers[i] == cases[i].second);
    }
  }
}

TEST_CASE("decimals compute exactly") {
  expect({
      {"vmc.decimal('0.1') + vmc.decimal('0.2')", "0.3"},
      {"vmc.decimal('12.50') * 2", "25.00"},
      {"1 - vmc.decimal('0.01')", "0.99"},
      {"-vmc.decimal('5')", "-5"},
      {"vmc.decimal(9007199254740993)", "9007199254740993"},
      {"vmc.decimal(math.mininteger)", "-9223372036854775808"},
      {"vmc.decimal(2.0)", "2"},
      {"vmc.decimal(0.1)", "error:a float with a fraction is not exact"},
      {"vmc.decimal('x')", "error:not a decimal number"},
      {"vmc.decimal({})", "error:not a table"},
      {"vmc.decimal(vmc.null) == vmc.null", "true"},
      {"vmc.decimal('1.50') == vmc.decimal('1.5')", "true"},
      {"vmc.decimal('1.5') < 2", "true"},
      {"2 <= vmc.decimal('1.5')", "false"},
      {"vmc.decimal('1') + '1'", "error:arithmetic on a decimal and a string"},
      {"vmc.decimal('1') + 0.5", "error:not exact"},
      {"vmc.decimal('1') / 3", "error:vmc.div(a, b, scale)"},
      {"vmc.div(1, 3, 4)", "0.3333"},
      {"vmc.div(vmc.decimal('2'), '3', 4)", "0.6667"},
      {"vmc.div(1, 8, 2, 'half_even')", "0.12"},
      {"vmc.div(1, 0, 2)", "error:division by zero"},
      {"vmc.div(1, 3, -1)", "error:a scale is from 0"},
      {"vmc.decimal('2.345'):round(2)", "2.35"},
      {"vmc.decimal('2.345'):round(2, 'down')", "2.34"},
      {"vmc.decimal('-2.5'):abs()", "2.5"},
      {"vmc.decimal('2.50').scale", "2"},
      {"vmc.decimal('42.0'):to_integer()", "42"},
      {"vmc.decimal('42.5'):to_integer()", "nil"},
      {"vmc.decimal('0.5'):to_float()", "0.5"},
      {"vmc.decimal('1').nothing", "error:no such field"},
      {"'EUR ' .. vmc.decimal('1.50')", "EUR 1.50"},
      {"vmc.decimal('99999999999999999999999999999999999999') * vmc.decimal('10.0')",
       "999999999999999999999999999999999999990.0"},
      {"vmc.decimal('1e600') * vmc.decimal('1e600')", "error:more than 1,000 digits"},
      {"vmc.decimal('NaN') == vmc.decimal('NaN')", "false"},
      {"string.format('%s', vmc.decimal('7.10'))", "7.10"},
  });
}

TEST_CASE("dates and times know their calendar") {
  expect({
      {"vmc.date('2024-02-29')", "2024-02-29"},
      {"vmc.date(2024, 2, 29)", "2024-02-29"},
      {"vmc.date('2023-02-29')", "error:not a date"},
      {"vmc.date(2023, 2, 29)", "error:no such day"},
      {"vmc.date('2024-02-29').year", "2024"},
      {"vmc.date('2024-02-29').weekday", "4"},
      {"vmc.date('1969-12-28').weekday", "7"},
      {"vmc.date('2024-12-31').yearday", "366"},
      {"vmc.date('2024-02-29'):add_days(1)", "2024-03-01"},
      {"vmc.date('2024-03-01'):add_days(-1)", "2024-02-29"},
      {"vmc.date('2024-01-31'):add_months(1)", "2024-02-29"},
      {"vmc.date('2024-01-31'):add_months(-14)", "2022-11-30"},
      {"vmc.date('2024-03-01') - vmc.date('2024-02-01')", "29"},
      {"vmc.date('2024-03-01') > vmc.date('2024-02-01')", "true"},
      {"vmc.date('2024-03-01') == vmc.date(2024, 3, 1)", "true"},
      {"vmc.date('2024-03-01') < vmc.timestamp('2024-02-01')",
       "error:attempt to compare a date with a timestamp"},
      {"vmc.date('29.02.2024', '%d.%m.%Y')", "2024-02-29"},
      {"vmc.date('2/9/24', '%m/%d/%y')", "2024-02-09"},
      {"vmc.date('30.02.2024', '%d.%m.%Y')", "error:does not fit"},
      {"vmc.date('2024-02-29'):format('%d/%m/%Y, day %j')", "29/02/2024, day 060"},
      {"vmc.date('2024-02-29').hour", "error:no field"},
      {"vmc.date('infinity').infinite", "true"},
      {"vmc.date('infinity').year", "error:infinity"},
      {"vmc.date(vmc.null) == vmc.null", "true"},
      {"vmc.timestamp('2024-02-29 13:30:00.25')", "2024-02-29 13:30:00.25"},
      {"vmc.timestamp(2024, 2, 29, 13, 30)", "2024-02-29 13:30:00"},
      {"vmc.timestamp('2024-02-29 13:30:00.25'):iso()", "2024-02-29T13:30:00.25"},
      {"vmc.timestamp('2024-02-29 13:30:00.25').microsecond", "250000"},
      {"vmc.timestamp('1969-12-31 23:59:59.999999').second", "59"},
      {"vmc.timestamp('2024-02-29 13:30:00'):add_seconds(-49 * 3600)", "2024-02-27 12:30:00"},
      {"vmc.timestamp('2024-02-29 13:30:00'):add_months(12)", "2025-02-28 13:30:00"},
      {"vmc.timestamp('2024-02-29 13:30:00') - vmc.timestamp('2024-02-29 13:29:59')", "1000000"},
      {"vmc.date(vmc.timestamp('1969-12-31 13:30:00'))", "1969-12-31"},
      {"vmc.time(vmc.timestamp('1969-12-31 13:30:00'))", "13:30:00"},
      {"vmc.timestamp(vmc.date('2024-02-29'))", "2024-02-29 00:00:00"},
      {"vmc.timestamp('infinity')", "infinity"},
      {"vmc.timestamp('infinity'):add_days(1)", "error:infinity"},
      {"vmc.timestamp('infinity') > vmc.timestamp('2024-01-01')", "true"},
      {"vmc.timestamp('2024-01-01'):add_days(math.maxinteger)", "error:outside the range"},
      {"vmc.timestamptz('2024-02-29T13:30:00+05:30')", "2024-02-29 08:00:00+00"},
      {"vmc.timestamptz('2024-02-29T13:30:00+05:30'):iso()", "2024-02-29T08:00:00Z"},
      {"vmc.timestamptz('29/02/2024 13:30:00 +0530', '%d/%m/%Y %H:%M:%S %z'):iso()", "2024-02-29T08:00:00Z"},
      {"vmc.timestamptz('2024-02-29 13:30:00')", "error:offset"},
      {"vmc.time('-12:00:01').negative", "true"},
      {"vmc.time(13, 30).hour", "13"},
      {"vmc.time('13:30'):add_seconds(30)", "13:30:30"},
      {"'on ' .. vmc.date('2024-02-29')", "on 2024-02-29"},
  });
}

TEST_CASE("JSON keeps integers, decimals, empty arrays and order of keys") {
  expect({
      {"vmc.json.encode(vmc.json.decode('{\"b\":9007199254740993,\"a\":1.10,\"c\":[],\"d\":{},\"e\":null}'))",
       "{\"a\":1.10,\"b\":9007199254740993,\"c\":[],\"d\":{},\"e\":null}"},
      {"vmc.json.encode({1, 2.5, 'x\\n\\1', true, vmc.date('2024-02-29')})",
       "[1,2.5,\"x\\n\\u0001\",true,\"2024-02-29\"]"},
      {"vmc.json.encode(vmc.json.array())", "[]"},
      {"vmc.json.decode('[1,2]')[2]", "2"},
      {"vmc.json.decode('\"\\\\u00fc\\\\ud83d\\\\ude42\"')", "ü🙂"},
      {"vmc.json.decode('1e400')", "1" + std::string(400, '0')},
      {"vmc.json.encode(0/0)", "error:infinity and NaN"},
      {"vmc.json.encode({print})", "error:a function has no form"},
      {"vmc.json.encode({1, x = 2})", "error:mixes a list with other keys"},
      {"vmc.json.encode({[1.5] = 2})", "error:a key is not a string"},
      {"vmc.json.encode((function() local t = {} t.t = t return t end)())", "error:nested more than 64"},
      {"vmc.json.decode('{\"a\":1,\"a\":2}')", "error:a key stands twice"},
      {"vmc.json.decode('[1,]')", "error:at byte 4"},
      {"vmc.json.decode('01')", "error:may not begin with 0"},
      {"vmc.json.decode('{\"a\" 1}')", "error:':' was expected"},
      {"vmc.json.decode('\"\\\\ud800\"')", "error:surrogate"},
      {"vmc.json.decode('nul')", "error:unexpected"},
      {"vmc.json.decode('[1] x')", "error:text after the value"},
      {"vmc.json.decode(string.rep('[', 70))", "error:nested too deeply"},
      {"vmc.json.decode('[' .. string.rep('1,', 100001) .. '1]')", "error:too many values"},
      {"vmc.json.decode('\"\\255\"')", "error:not UTF-8"},
  });
}

TEST_CASE("text helpers count characters and leave bytes alone") {
  expect({
      {"vmc.text.trim('  x y\\t\\n')", "x y"},
      {"table.concat(vmc.text.split('a,b,,c', ','), '|')", "a|b||c"},
      {"vmc.text.split('a', '')", "error:separator is empty"},
      {"vmc.text.upper('straße')", "STRAßE"},
      {"vmc.text.lower('ÄB')", "Äb"},
      {"vmc.text.length('grün🙂')", "5"},
      {"vmc.text.length('\\255')", "error:not UTF-8"},
      {"vmc.text.sub('grün🙂!', 3, 5)", "ün🙂"},
      {"vmc.text.sub('abc', 9)", ""},
      {"vmc.text.starts_with('abc', 'ab')", "true"},
      {"vmc.text.ends_with('abc', 'bc')", "true"},
      {"vmc.text.contains('a.c', '.')", "true"},
      {"vmc.text.replace('a.b.c', '.', '%1')", "a%1b%1c"},
      {"vmc.hash.sha256('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"vmc.hash.hmac_sha256('key', 'The quick brown fox jumps over the lazy dog')",
       "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"},
      {"vmc.lookup({de = 'Germany'}, 'de')", "Germany"},
      {"vmc.lookup({de = 'Germany'}, 'xx', 'other')", "other"},
      {"vmc.lookup({de = 'Germany'}, 'xx')", "error:the key is not in the table"},
      {"vmc.lookup({}, vmc.null, 'none')", "none"},
      {"vmc.null == vmc.null", "true"},
  });
}

TEST_CASE("what is left of Lua behaves as Lua") {
  expect({
      {"select('#', table.unpack({1, 2, 3}))", "3"},
      {"string.format('%5.2f|%-5s|%05d|%%|%q', 1.5, 'ab', 42, 'x')", " 1.50|ab   |00042|%|\"x\""},
      {"string.format('%s')", "error:bad argument #2"},
      {"('%d'):format(3)", "3"},
      {"(string.gsub('hello', 'l+', string.upper))", "heLLo"},
      {"math.maxinteger + 1 == math.mininteger", "true"},
      {"(function() local t = {3, 1, 2} table.sort(t) return table.concat(t, ',') end)()", "1,2,3"},
      {"(function() local t = {3, 1, 2} table.sort(t, function(a, b) return a > b end) return "
       "table.concat(t, ',') end)()",
       "3,2,1"},
      {"(function() local s = '' for k, v in pairs({b = 1, a = 2, 10, 20}) do s = s .. k .. v .. ' ' end "
       "return s end)()",
       "110 220 a2 b1 "},
      {"(function() local t = {a = 1, b = 2, c = 3} for k in pairs(t) do t[k] = nil end return next(t) "
       "end)()",
       "nil"},
      {"(function() local s = '' for k, v in next, {x = 1, y = 2} do s = s .. k .. v end return s end)()",
       "x1y2"},
      {"coroutine.wrap(function() coroutine.yield(7) end)()", "7"},
      {"utf8.char(8364)", "€"},
      {"tostring(nil) .. tostring(1.0) .. tostring(true)", "nil1.0true"},
      {"pcall(error, {code = 1})", "false"},
      {"('x'):rep(3, '-')", "x-x-x"},
      {"tostring(setmetatable({}, {__tostring = function() return 'mine' end}))", "mine"},
      {"rawlen({1, 2}) + rawlen('abc')", "5"},
  });
}

TEST_CASE("every function that the annotations promise exists") {
  std::ifstream file{VMC_SOURCE_DIR "/scripts/vmc.d.lua"};
  std::vector<std::pair<std::string, std::string>> promised;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("function vmc."))
      promised.emplace_back("type(" + line.substr(9, line.find('(') - 9) + ")", "function");
    if (line.starts_with("function Decimal:"))
      promised.emplace_back("type(vmc.decimal(1)." + line.substr(17, line.find('(') - 17) + ")", "function");
    if (line.starts_with("function DateTime:"))
      promised.emplace_back("type(vmc.date(2024, 1, 1)." + line.substr(18, line.find('(') - 18) + ")",
                            "function");
  }
  CHECK(promised.size() > 30);
  expect(promised);
}

}  // namespace
}  // namespace vmc::script::test
