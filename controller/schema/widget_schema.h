#pragma once

#include <gtest/gtest.h>

#include <string>

#include "controller/object/json.h"
#include "controller/schema/compiled_schema.h"

namespace midwatch::schema {

// For tests: the Widget of the sessions that were recorded with a kube-apiserver 1.32.

inline Json ParsedJsonOf(const std::string& text) {
  auto value = ParseJson(text);
  EXPECT_TRUE(value) << text << ": " << (value ? "" : value.error().message);
  return value ? *value : Json();
}

Json WidgetOpenApi();

inline const CompiledSchema& WidgetSchema() {
  static const CompiledSchema kSchema = *CompiledSchema::Compile(WidgetOpenApi());
  return kSchema;
}

/// A Widget with this spec, as JSON text.
inline Json WidgetWith(const std::string& spec) {
  return ParsedJsonOf(R"({"apiVersion":"demo.example.io/v1","kind":"Widget",
                          "metadata":{"name":"w1","namespace":"default"},"spec":)" +
                      spec + "}");
}

}  // namespace midwatch::schema
