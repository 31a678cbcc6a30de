#include "controller/schema/rule.h"

#include <algorithm>

#include "controller/base/text.h"
#include "controller/schema/field_path.h"
#include "controller/schema/structural.h"
#include "controller/schema/validation.h"

namespace midwatch::schema {
namespace {

tl::unexpected<Error> Bad(const std::string& where, const std::string& what) {
  return Fail(ErrorCode::kInvalid, where + ": " + what);
}

Result<CelProgram> CompileCel(const Json& source, const std::string& where) {
  if (!source.IsString() || Trim(source.AsString()).empty()) {
    return Bad(where, "Required value: expected a CEL expression");
  }
  auto program = CelProgram::Compile(Trim(source.AsString()));
  if (!program) {
    return Bad(where,
               "Invalid value: " + Quote(source.AsString()) + ": " + program.error().message);
  }
  return program;
}

Result<CauseReason> ReadReason(const std::string& name, const std::string& where) {
  for (const CauseReason reason : {CauseReason::kInvalid, CauseReason::kForbidden,
                                   CauseReason::kRequired, CauseReason::kDuplicate}) {
    if (name == NameOf(reason)) {
      return reason;
    }
  }
  return Bad(where, "Unsupported value: " + Quote(name) +
                        ": supported values: \"FieldValueDuplicate\", \"FieldValueForbidden\", "
                        "\"FieldValueInvalid\", \"FieldValueRequired\"");
}

Result<Rule> CompileRule(const Json& source, const std::string& where) {
  MIDWATCH_ASSIGN(CelProgram program, CompileCel(source.At("rule"), where + ".rule"));
  Rule rule{.program = std::move(program),
            .message_expression = std::nullopt,
            .message = std::string(Trim(source.At("message").AsString())),
            .field_path = source.At("fieldPath").AsString(),
            .reason = CauseReason::kInvalid};
  if (const Json* expression = source.Find("messageExpression"); expression != nullptr) {
    MIDWATCH_ASSIGN(rule.message_expression, CompileCel(*expression, where + ".messageExpression"));
  }
  if (const Json* reason = source.Find("reason"); reason != nullptr) {
    MIDWATCH_ASSIGN(rule.reason, ReadReason(reason->AsString(), where + ".reason"));
  }
  if (source.At("optionalOldSelf").AsBool()) {
    return Bad(where + ".optionalOldSelf", "Forbidden: not supported");
  }
  return rule;
}

/// One pass over an object, its schema and the stored object side by side.
class RuleWalk {
 public:
  explicit RuleWalk(std::vector<FieldError>& errors) : errors_(errors) {}

  void Check(const SchemaNode& node, const Json& value, const Json* old, const FieldPath& path) {
    const bool unchanged = old != nullptr && *old == value;
    if (exhausted_ || value.IsNull() ||
        !(unchanged ? node.has_transition_below : node.has_rules_below)) {
      return;
    }
    for (const Rule& rule : node.rules) {
      const bool transition = rule.program.UsesOldSelf();
      const bool applies = transition ? old != nullptr && !old->IsNull() : !unchanged;
      if (applies && !exhausted_) {
        Evaluate(rule, node, {.self = &value, .old_self = old}, path);
      }
    }
    if (value.IsObject()) {
      CheckMembers(node, value, old, path);
    } else if (value.IsArray() && node.items != nullptr && node.items->has_rules_below) {
      const ListCorrelation correlation(node, old);
      for (std::size_t i = 0; i < value.Items().size(); ++i) {
        Check(*node.items, value.Items()[i], correlation.OldOf(value.Items()[i]), path.Index(i));
      }
    }
  }

 private:
  void CheckMembers(const SchemaNode& node, const Json& value, const Json* old,
                    const FieldPath& path) {
    ForEachMember(node, value.Members(), [&](const Json::Member& member, const auto* property) {
      const SchemaNode* schema = property == nullptr ? node.additional.get() : property->node.get();
      if (schema != nullptr && schema->has_rules_below) {
        const Json* before = old == nullptr ? nullptr : old->Find(member.name);
        Check(*schema, member.value, before,
              property == nullptr ? path.Key(member.name) : path.Field(member.name));
      }
    });
  }

  void Evaluate(const Rule& rule, const SchemaNode& node, const CelBindings& bindings,
                const FieldPath& path) {
    const auto result = rule.program.Evaluate(bindings, budget_);
    const std::string shown = rule.message.empty() ? rule.program.expression() : rule.message;
    const Json type(NameOf(node.type));
    if (!result && result.error().code == ErrorCode::kTooLarge) {
      exhausted_ = true;
      errors_.push_back(Invalid(FieldOf(path, ""), type,
                                "no further validation rules will be run due to call cost exceeds "
                                "limit for rule: " +
                                    shown));
    } else if (!result) {
      errors_.push_back(
          Invalid(FieldOf(path, ""), type, result.error().message + " evaluating rule: " + shown));
    } else if (!result->AsBool()) {
      Blame(rule, type, MessageOf(rule, bindings), path);
    }
  }

  std::string MessageOf(const Rule& rule, const CelBindings& bindings) {
    if (rule.message_expression) {
      const auto text = rule.message_expression->Evaluate(bindings, budget_);
      if (text && text->Is(CelKind::kString) && !Trim(text->AsText()).empty()) {
        return std::string(text->AsText());
      }
    }
    return rule.message.empty() ? "failed rule: " + rule.program.expression() : rule.message;
  }

  /// Where the rule stands, or the field below that it names. The root has no name in Kubernetes.
  static std::string FieldOf(const FieldPath& path, std::string_view below) {
    std::string field = path.ToString();
    field += field.empty() && below.starts_with('.') ? below.substr(1) : below;
    return field.empty() ? "<nil>" : field;
  }

  void Blame(const Rule& rule, const Json& type, const std::string& message,
             const FieldPath& path) {
    std::string field = FieldOf(path, rule.field_path);
    switch (rule.reason) {
      case CauseReason::kForbidden:
        errors_.push_back(Forbidden(std::move(field), message));
        break;
      case CauseReason::kRequired:
        errors_.push_back(Required(std::move(field), message));
        break;
      case CauseReason::kDuplicate:
        errors_.push_back(Duplicate(std::move(field), type));
        errors_.back().message += ": " + message;
        break;
      default:
        errors_.push_back(Invalid(std::move(field), type, message));
    }
  }

  std::vector<FieldError>& errors_;
  CelBudget budget_;
  bool exhausted_ = false;
};

}  // namespace

Result<std::vector<Rule>> CompileRules(const Json& validations, const std::string& where) {
  std::vector<Rule> rules;
  for (const Json& entry : validations.Items()) {
    MIDWATCH_ASSIGN(Rule rule,
                    CompileRule(entry, where + "[" + std::to_string(rules.size()) + "]"));
    rules.push_back(std::move(rule));
  }
  return rules;
}

void CheckRules(const SchemaNode& root, const Json& object, const Json* old,
                std::vector<FieldError>& errors) {
  RuleWalk(errors).Check(root, object, old, FieldPath());
}

}  // namespace midwatch::schema
