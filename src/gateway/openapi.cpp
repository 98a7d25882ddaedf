#include "core/text.hpp"
#include "core/version.hpp"
#include "gateway/api_table.hpp"

namespace vmc::gateway {
namespace {

struct Field {
  std::string name, type;
  bool optional = false;
};

std::vector<Field> fields_of(std::string_view text) {
  std::vector<Field> fields;
  for (const auto& word : split(text, ' ')) {
    const auto colon = word.find(':');
    if (colon == std::string::npos) continue;
    Field field{word.substr(0, colon), word.substr(colon + 1)};
    field.optional = field.type.ends_with('?');
    if (field.optional) field.type.pop_back();
    fields.push_back(std::move(field));
  }
  return fields;
}

Json body_schema(std::string_view text) {
  Json properties = Json::object(), required = Json::array();
  for (const auto& field : fields_of(text)) {
    properties[field.name] = {{"type", field.type}};
    if (!field.optional) required.push_back(field.name);
  }
  return {{"type", "object"},
          {"properties", properties},
          {"required", required},
          {"additionalProperties", false}};
}

Json answer_schema(std::string_view text) {
  Json properties = Json::object(), required = Json::array();
  for (const auto& field : fields_of(text)) {
    properties[field.name]["type"] = field.optional ? Json{field.type, "null"} : Json(field.type);
    required.push_back(field.name);
  }
  Json object{{"type", "object"}, {"properties", properties}, {"required", required}};
  if (!text.starts_with("[]")) return object;
  Json items{{"type", "array"}, {"items", std::move(object)}};
  Json list{{"type", "object"}, {"required", Json::array({"items"})}};
  list["properties"]["items"] = std::move(items);
  return list;
}

Json parameter(std::string_view name, std::string_view in, std::string_view type, bool required) {
  return {{"name", name}, {"in", in}, {"required", required}, {"schema", {{"type", type}}}};
}

Json parameters_of(const ApiRoute& route) {
  Json list = Json::array();
  for (const auto& segment : split(route.pattern, '/'))
    if (segment.starts_with('{'))
      list.push_back(parameter(segment.substr(1, segment.size() - 2), "path", "string", true));
  for (const auto& field : fields_of(route.query))
    list.push_back(parameter(field.name, "query", field.type, !field.optional));
  for (const auto& field : fields_of(route.headers))
    list.push_back(parameter(field.name, "header", field.type, !field.optional));
  return list;
}

Json content_of(const char* type, Json schema) {
  Json content;
  content[type]["schema"] = std::move(schema);
  return content;
}

Json operation_of(const ApiRoute& route) {
  Json operation{{"summary", route.summary}, {"parameters", parameters_of(route)}};
  if (route.access == Access::local)
    operation["description"] = "Only on the platform's own machine; elsewhere FORBIDDEN.";
  if (route.access == Access::open) operation["security"] = Json::array();
  if (!route.body.empty()) {
    operation["requestBody"]["required"] = true;
    operation["requestBody"]["content"] = content_of("application/json", body_schema(route.body));
  }
  auto& responses = operation["responses"];
  auto& success = responses[std::to_string(route.status)];
  success["description"] = "Done";
  success["content"] = content_of("application/json", answer_schema(route.answer));
  responses["default"]["$ref"] = "#/components/responses/Problem";
  return operation;
}

Json problem_schema() {
  auto schema = answer_schema(
      "type:string title:string status:integer detail:string code:string hint:string retryable:boolean");
  Json codes = Json::array();
  for (const auto& known : all_codes()) codes.push_back(known.name);
  schema["properties"]["code"]["enum"] = std::move(codes);
  schema["properties"]["request_id"]["type"] = "string";
  return schema;
}

}  // namespace

Json openapi_document(std::span<const ApiRoute> routes) {
  Json document{{"openapi", "3.1.0"}};
  document["info"] = {{"title", "vmc gateway"}, {"version", kVersion}};
  auto& paths = document["paths"];
  for (const auto& route : routes) {
    std::string method;
    for (const char c : route.method) method += static_cast<char>(c - 'A' + 'a');
    paths[std::string{route.pattern}][method] = operation_of(route);
  }
  auto& components = document["components"];
  components["securitySchemes"]["token"] = {{"type", "http"}, {"scheme", "bearer"}};
  components["schemas"]["Problem"] = problem_schema();
  auto& problem = components["responses"]["Problem"];
  problem["description"] = "What went wrong (RFC 9457)";
  Json reference{{"$ref", "#/components/schemas/Problem"}};
  problem["content"] = content_of("application/problem+json", std::move(reference));
  Json token;
  token["token"] = Json::array();
  document["security"] = Json::array({token});
  return document;
}

}  // namespace vmc::gateway
