// A valid workflow as a document, to be broken in one place by each test.
#pragma once

#include <string>

#include "workflow/definition.hpp"

namespace vmc::test {

inline Json sample_document() {
  return Json::parse(R"({
    "name": "CRM to analytics", "schedule": "0 */6 * * *", "timezone": "Asia/Kolkata",
    "activities": [
      {"id": "extract-crm", "type": "extract", "connector": "HQ SAP", "aggregator": "erp", "operation": "queryAll",
       "params": {"table": "opportunities", "columns": ["id", "amount"], "mode": "incremental", "cursor": "updated_at",
                  "overlap": "10m", "rowsPerPart": 1000,
                  "where": {"op": "gt", "column": "amount", "value": 10}}},
      {"id": "shape", "type": "transform", "function": "function transform(row) return row end"},
      {"id": "load-pg", "type": "load", "connector": "mini", "aggregator": "postgres-local", "operation": "bulkInsert",
       "params": {"table": "opportunities", "mode": "upsert", "conflictKey": "id"}}
    ],
    "steps": [
      {"id": "1", "activityId": "extract-crm", "dependsOn": []},
      {"id": "2", "activityId": "shape", "dependsOn": ["1"]},
      {"id": "3", "activityId": "load-pg", "dependsOn": ["shape"]}
    ]
  })");
}

inline Json with(Json document, const char* pointer, Json value) {
  document[Json::json_pointer{pointer}] = std::move(value);
  return document;
}
inline Json without(Json document, const char* pointer) {
  const Json::json_pointer at{pointer};
  document[at.parent_pointer()].erase(at.back());
  return document;
}

inline workflow::Definition sample_definition() { return *workflow::definition_from_json(sample_document()); }

}  // namespace vmc::test
