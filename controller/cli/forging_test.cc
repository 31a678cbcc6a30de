#include <gtest/gtest.h>

#include <string>

#include "controller/api/git_source.h"
#include "controller/api/kinds.h"
#include "controller/base/control_character.h"
#include "controller/base/text.h"
#include "controller/cli/demo_world.h"

// Whatever a server says, in whichever field: it steers no terminal and makes no line of ours.

namespace midwatch::cli {
namespace {

/// Sets the title of a terminal, clears it, begins lines that look like ours, turns the text round.
constexpr std::string_view kForgery =
    "\x1b]0;gone\x07\x1b[2J\x9b"
    "31m\xc2\x9b"
    "2J\r\nerror: forged\nhint: forged\n\xe2\x80\xae";

const std::vector<std::vector<std::string>> kCommands = {
    {"get", "dispatches,modulejobs,modules,agents,agentinstances,gitsources", "-A"},
    {"get", "dispatches,modulejobs,modules,gitsources", "-A", "-o", "wide"},
    {"get", "midwatch,midwatch-all", "-A", "-o", "name"},
    {"describe", "dispatch,modulejob,run", "-n", "payments"},
    {"describe", "gitsource,agent,events", "-n", "midwatch-system"},
    {"tree", "modulejob/payments/database-41"},
    {"tree", "modulejob/payments/ledger-7"},
    {"why", "dispatch/payments/ledger-m3v8t1z6hrcx"},
    {"why", "dispatch/payments/database-k4xq9w2m7dlp"},
    {"why", "modulejob/payments/ledger-7"},
    {"why", "modulejob/payments/database-41"},
    {"logs", "dispatch/payments/database-k4xq9w2m7dlp"},
    {"logs", "run/ai/database-k4xq9w2m7dlp-2", "-f"},
    {"report", "payments/database-k4xq9w2m7dlp"},
    {"report", "payments/database-plan"},
    {"report", "payments/database-done", "-o", "markdown"},
    {"report", "dispatch/payments/ledger-m3v8t1z6hrcx"},
    {"cancel", "dispatch/payments/database-k4xq9w2m7dlp"},
    {"sync", "platform", "-n", "midwatch-system", "--timeout", "1s"},
    {"get", "module", "databse", "-n", "payments"},
    {"job", "finish", "payments/database-41", "--exit-code", "0"},
};

/// What is wrong with an output; nothing if it is harmless.
std::string Harm(std::string_view transcript) {
  bool fenced = false;  // In Markdown a quote is a block of its own.
  for (const std::string_view line : Split(transcript, '\n')) {
    fenced = line.starts_with("```") ? !fenced : fenced;
    for (const std::string_view begin :
         {"error: forged", "hint: forged", "! error: forged", "! hint: forged"}) {
      if (line.starts_with(begin) && !fenced) {
        return "a forged line";
      }
    }
    for (std::size_t i = 0; i < line.size(); ++i) {
      const auto control = ControlAt(line.substr(i));
      if (control && line[i] != '\t') {
        return "a control character: " + Quote(line.substr(0, 60));
      }
    }
  }
  // TestOutput shows the escape character so.
  return transcript.find("␛") == std::string_view::npos && !FindInvalidUtf8(transcript)
             ? ""
             : "an escape sequence or bad UTF-8";
}

/// The object with the forgery behind one of its strings, the one that `left` counts down to, and
/// the path to it. The same object if there are fewer.
Json Forged(const Json& value, const std::string& path, std::size_t& left, std::string& where) {
  if (value.IsString()) {
    if (left-- != 0) {
      return value;
    }
    where = path;
    return Json(value.AsString() + std::string(kForgery));
  }
  if (value.IsArray()) {
    Json out = Json::EmptyArray();
    for (const Json& item : value.Items()) {
      out.Append(Forged(item, path + "[]", left, where));
    }
    return out;
  }
  if (!value.IsObject()) {
    return value;
  }
  Json out = Json::EmptyObject();
  for (const auto& [name, member] : value.Members()) {
    const bool is_key = path.empty() && (name == "apiVersion" || name == "kind");
    const bool is_name = path == ".metadata" && name.starts_with("name");
    out.Set(name, is_key || is_name ? member : Forged(member, path + "." + name, left, where));
  }
  return out;
}

/// What the commands say in a world with that object; it is checked.
void Check(const ResourceType& type, const Json& object, const std::string& where) {
  DemoWorld world;
  world.kube.Put(type, object);
  for (const auto& command : kCommands) {
    const std::string said = world.Run(command);
    const std::string harm = Harm(said.substr(said.find('\n') + 1));
    EXPECT_EQ(harm, "") << type.kind << where << "\n" << said;
    if (!harm.empty()) {
      return;
    }
  }
}

TEST(Forging, NoFieldOfAnyObjectSteersTheTerminalOrMakesALine) {
  const DemoWorld world;
  std::size_t forged = 0;
  for (const ResourceType& type : api::OurKinds()) {
    for (const Object& object : world.kube.All(type.Resource())) {
      for (std::size_t i = 0;; ++i) {
        std::size_t left = i;
        std::string where;
        const Json changed = Forged(object.Body(), "", left, where);
        if (where.empty()) {
          break;
        }
        ++forged;
        Check(type, changed, where);
      }
    }
  }
  EXPECT_GT(forged, 150U);
}

TEST(Forging, NoLineOfASyncIsForged) {
  DemoWorld world;
  const ObjectKey key{"gitsources.midwatch.dev", "midwatch-system", "platform"};
  Json source = world.kube.Find(key).Body();
  const auto condition = [](const char* type, const char* status) {
    return Json::Of({{"type", type},
                     {"status", status},
                     {"reason", "InvalidRevision"},
                     {"message", "because"}});
  };
  source.Set("status",
             Json::Of({{"applied", Json::Of({{"revision", "\n1"}})},
                       {"attempted", Json::Of({{"revision", "\x1b\x9b\n2"}})},
                       {"lastHandledSyncRequest", FormatMicroTime(world.clock.Read().wall)},
                       {"errorCount", 1},
                       {"errors", Json::ArrayOf({Json::Of({{"path", "a.yaml"},
                                                           {"line", 1},
                                                           {"column", 2},
                                                           {"code", "Syntax"},
                                                           {"field", "spec"},
                                                           {"message", "no"}})})},
                       {"conditions", Json::ArrayOf({condition("Ready", "False")})}}));
  for (std::size_t i = 0;; ++i) {
    std::size_t left = i;
    std::string where;
    Json changed = source;
    changed.Set("status", Forged(source.At("status"), ".status", left, where));
    if (where.empty()) {
      EXPECT_GT(i, 8U);
      break;
    }
    changed["status"].Set("lastHandledSyncRequest", source.At("status", "lastHandledSyncRequest"));
    world.kube.Put(api::GitSource::Type(), changed);
    const std::string said =
        world.Run({"sync", "platform", "-n", "midwatch-system", "--timeout", "0s"});
    EXPECT_EQ(Harm(said.substr(said.find('\n') + 1)), "") << where << "\n" << said;
  }
}

TEST(Forging, NoLineOfASessionLogIsForged) {
  const std::string forged = Json(std::string(kForgery)).Dump();
  std::string log = "error: forged\n\x1b[2J\n{\"kind\":" + forged + ",\"text\":\"x\"}\n";
  for (const char* kind : {"reasoning", "answer", "prompt", "toolCall", "toolResult", "permission",
                           "system", "diagnostic", "result"}) {
    log += "{\"kind\":\"" + std::string(kind) + "\",\"text\":" + forged + ",\"title\":" + forged +
           ",\"input\":{\"a\":" + forged + "},\"x\":" + forged + "}\n";
  }
  log += "{\"kind\":\"plan\",\"entries\":[{\"content\":" + forged + "}]}\n";
  DemoWorld world;
  world.artifacts.logs["runs/ai/database-k4xq9w2m7dlp-2"] = log;
  const std::string said = world.Run({"logs", "run/ai/database-k4xq9w2m7dlp-2"});
  EXPECT_EQ(Harm(said.substr(said.find('\n') + 1)), "") << said;
  EXPECT_NE(said.find("unreadable    error: forged"), std::string::npos) << said;
}

TEST(Forging, NoErrorOfAServerMakesALine) {
  for (const ErrorCode code :
       {ErrorCode::kInvalid, ErrorCode::kForbidden, ErrorCode::kUnavailable}) {
    DemoWorld world;
    for (const auto& command : kCommands) {
      for (const char* verb : {"get", "list", "patch"}) {
        world.kube.FailNext(
            {.verb = verb, .resource = {}, .error = {code, "no" + std::string(kForgery)}});
      }
      const std::string said = world.Run(command);
      EXPECT_EQ(Harm(said.substr(said.find('\n') + 1)), "") << said;
    }
  }
}

}  // namespace
}  // namespace midwatch::cli
