// Walks a jsonb value, and writes JSON.
#include "pg/sql/json_value.h"

namespace als::pg {

namespace {

constexpr int kMaxDepth = 4;

struct Token {
  JsonbIteratorToken token;
  JsonbValue value;
};

Token next(JsonbIterator** iterator) {
  return server([&] {
    Token token;
    token.token = JsonbIteratorNext(iterator, &token.value, false);
    return token;
  });
}

JsonValue scalar(const JsonbValue& from) {
  JsonValue value;
  switch (from.type) {
    case jbvBool:
      value.kind = JsonValue::Kind::kBoolean;
      value.boolean = from.val.boolean;
      value.text = from.val.boolean ? "true" : "false";
      break;
    case jbvNumeric: {
      value.kind = JsonValue::Kind::kNumber;
      Datum number = NumericGetDatum(from.val.numeric);
      value.text =
          server([&] { return DatumGetCString(DirectFunctionCall1(numeric_out, number)); });
      value.number = server(
          [&] { return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, number)); });
      break;
    }
    case jbvString:
      value.kind = JsonValue::Kind::kText;
      value.text.assign(from.val.string.val, static_cast<std::size_t>(from.val.string.len));
      break;
    default:
      break;
  }
  return value;
}

/// The value that begins with `token`.
JsonValue read(JsonbIterator** iterator, const Token& token, int depth) {
  if (token.token != WJB_BEGIN_ARRAY && token.token != WJB_BEGIN_OBJECT) return scalar(token.value);
  if (depth > kMaxDepth)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    format("JSON is nested more than %d levels deep here", kMaxDepth),
                    "Give values, and arrays or objects of such.");
  JsonValue value;
  bool array = token.token == WJB_BEGIN_ARRAY;
  value.kind = array ? JsonValue::Kind::kArray : JsonValue::Kind::kObject;
  for (;;) {
    Token inner = next(iterator);
    if (inner.token == WJB_END_ARRAY || inner.token == WJB_END_OBJECT) return value;
    if (array) {
      value.elements.push_back(read(iterator, inner, depth + 1));
    } else {
      std::string key = scalar(inner.value).text;
      Token first = next(iterator);
      value.members.emplace_back(std::move(key), read(iterator, first, depth + 1));
    }
  }
}

}  // namespace

std::string JsonValue::shown() const {
  switch (kind) {
    case Kind::kNull:
      return "null";
    case Kind::kText:
      return "'" + text + "'";
    case Kind::kArray:
      return "an array";
    case Kind::kObject:
      return "an object";
    default: {
      constexpr std::size_t kLongest = 40;
      if (text.size() <= kLongest) return text;
      return text.substr(0, kLongest) + format("... (%zu digits)", text.size());
    }
  }
}

JsonValue json_value(Datum jsonb) {
  JsonbIterator* iterator = server([&] { return JsonbIteratorInit(&DatumGetJsonbP(jsonb)->root); });
  Token first = next(&iterator);
  // A scalar comes as an array of one.
  if (first.token == WJB_BEGIN_ARRAY && first.value.val.array.rawScalar)
    return scalar(next(&iterator).value);
  return read(&iterator, first, 1);
}

JsonValue json_object(Datum jsonb, const char* argument) {
  JsonValue value = json_value(jsonb);
  if (value.kind != JsonValue::Kind::kObject)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    format("%s must be a JSON object, not %s", argument, value.shown().c_str()),
                    "Its keys are names of options, such as {\"factors\": ...}.");
  return value;
}

std::string json_quoted(const std::string& text) {
  return server([&] {
    StringInfoData buffer;
    initStringInfo(&buffer);
    escape_json(&buffer, text.c_str());
    return static_cast<const char*>(buffer.data);
  });
}

}  // namespace als::pg
