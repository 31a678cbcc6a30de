#include "controller/sim/git_work.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>
#include <vector>

#include "controller/api/module.h"
#include "controller/api/names.h"
#include "controller/testing/object_builder.h"

namespace midwatch::sim {
namespace {

using fakes::ObjectBuilder;

struct Source {
  const char* space;
  const char* name;
  const char* url;
  const char* failure_policy;
};
constexpr std::array kSources = {
    Source{"midwatch-system", "infra", "https://git.simulation/infra", "Atomic"},
    Source{"team-1", "local", "https://git.simulation/local", "SkipInvalid"},
};

using Type = const ResourceType& (*)();
constexpr Type kModule = &api::Module::Type;
constexpr Type kGrant = &api::AgentAssignment::Type;

}  // namespace

struct GitSlot {
  const char* path;
  std::size_t source;
  Type type;
  const char* space;
  const char* name;
  const char* mission_type = "";

  ObjectKey Key() const { return {type().Resource(), type().namespaced ? space : "", name}; }
};

namespace {

constexpr std::array kSlots = {
    GitSlot{"a/module-0.yaml", 0, kModule, "team-0", "git-module-0"},
    GitSlot{"a/module-1.yaml", 0, kModule, "team-1", "git-module-1"},
    GitSlot{"b/grant.yaml", 0, kGrant, "agents", "git-grant"},
    GitSlot{"c/all.yaml", 0, &api::OrganizationMission::Type, "", "git-all", "ApprovalRecommend"},
    GitSlot{"c/space.yml", 0, &api::NamespaceMission::Type, "team-1", "git-space", "SummarizeJob"},
    GitSlot{"c/one.json", 0, &api::ModuleMission::Type, "team-0", "git-one", "AutoDiagnose"},
    GitSlot{"a/shared.yaml", 0, kModule, "team-1", "git-shared"},
    GitSlot{"module-2.yaml", 1, kModule, "team-1", "git-module-2"},
    GitSlot{"module-3.yaml", 1, kModule, "team-1", "git-module-3"},
    GitSlot{"mission.yaml", 1, &api::ModuleMission::Type, "team-1", "git-two", "AutoDiagnose"},
    GitSlot{"shared.yaml", 1, kModule, "team-1", "git-shared"},
};

const GitSlot& AnySlotOf(std::size_t source, fakes::SeededRandom& random) {
  for (;;) {
    const GitSlot& slot = kSlots[random.Below(kSlots.size())];
    if (slot.source == source) {
      return slot;
    }
  }
}

bool IsShared(const GitSlot& slot) { return std::string_view(slot.name) == "git-shared"; }

/// f26: a misspelt field, a wrong type, a file that is no YAML.
void Break(VirtualFile& file, fakes::SeededRandom& random) {
  constexpr std::string_view kSpec = "\"spec\":{";
  const std::size_t at = file.bytes.find(kSpec) + kSpec.size();
  file.valid = false;
  switch (random.Below(3)) {
    case 0:
      file.bytes.insert(at, "\"displayNam\":\"x\",");
      return;
    case 1:
      file.bytes.insert(at, "\"source\":5,\"priority\":\"high\",");
      return;
    default:
      file.bytes.resize(file.bytes.size() / 2);
      file.legible = false;
  }
}

}  // namespace

GitWork::GitWork(World world) : world_(world) {
  for (const Source& source : kSources) {
    world_.hosting.repositories.emplace(source.url, VirtualRepository(world_.now));
  }
}

void GitWork::Begin(fakes::SeededRandom random) {
  for (std::size_t source = 0; source < kSources.size(); ++source) {
    std::map<std::string, VirtualFile> files;
    for (const GitSlot& slot : kSlots) {
      if (slot.source == source && !IsShared(slot) && random.Chance(700)) {
        files[slot.path] = FileOf(slot, random);
      }
    }
    world_.hosting.repositories.at(kSources[source].url).Commit(std::move(files));
    CreateSource(source, random);
  }
}

VirtualFile GitWork::FileOf(const GitSlot& slot, fakes::SeededRandom& random) {
  VirtualFile file;
  file.declares = slot.Key();
  file.mark = "content-" + std::to_string(++contents_);
  const ResourceType& type = slot.type();
  ObjectBuilder builder(type, slot.name, type.namespaced ? slot.space : "");
  if (type.kind == "Module") {
    file.says = file.mark;
    builder.Spec("displayName", file.says);
  } else if (type.kind == "AgentAssignment") {
    file.says = "agent-" + std::to_string(random.Below(4));
    builder.Spec("agentRef.name", file.says).Spec("namespaceRef.name", "team-0");
  } else {
    file.says = random.Chance(800) ? "enabled" : "disabled";
    builder.Spec("agentRef.namespace", "agents")
        .Spec("agentRef.name", "agent-" + std::to_string(random.Below(4)))
        .Spec("missionType", slot.mission_type)
        .Spec("isDisabled", file.says == "disabled");
    if (type.kind == "ModuleMission") {
      builder.Spec("moduleRef.name", "module-" + std::string(slot.space).substr(5));
    }
  }
  file.bytes = builder.Annotation(VirtualFile::kMark, file.mark).Draft().Dump();
  return file;
}

void GitWork::Commit(fakes::SeededRandom random) {
  const std::size_t source = random.Chance(650) ? 0 : 1;
  VirtualRepository& repository = world_.hosting.repositories.at(kSources[source].url);
  std::map<std::string, VirtualFile> files = repository.head().files;
  const GitSlot& slot = AnySlotOf(source, random);
  const std::uint64_t draw = random.Below(100);
  if (draw < 40) {
    files[slot.path] = FileOf(slot, random);
  } else if (draw < 60) {
    files.erase(slot.path);
  } else if (draw < 75) {
    files[slot.path] = FileOf(slot, random);
    Break(files[slot.path], random);
  } else if (draw < 90) {  // Mended.
    std::erase_if(files, [](const auto& entry) { return !entry.second.valid; });
  } else if (draw < 96) {
    return repository.ForceBack(random.Next());
  } else {
    files.clear();
  }
  repository.Commit(std::move(files));
}

void GitWork::CreateSource(std::size_t source, fakes::SeededRandom& random) {
  const Source& it = kSources[source];
  world_.requests.Create(api::GitSource::Type(),
                         ObjectBuilder(api::GitSource::Type(), it.name, it.space)
                             .Spec("url", it.url)
                             .Spec("interval", std::to_string(random.Between(20, 120)) + "s")
                             .Spec("failurePolicy", it.failure_policy)
                             .Spec("deletionPolicy", random.Chance(500) ? "Prune" : "Orphan")
                             .Draft());
}

void GitWork::ByHand(fakes::SeededRandom random) {
  const std::uint64_t draw = random.Below(8);
  if (draw < 2) {
    MeddleWithSource(random);
  } else if (draw < 4) {
    MakeByHand(random);
  } else {
    MeddleWithObject(random);
  }
}

/// Deletes an object that a source owns, takes its label away, or changes what git declares.
void GitWork::MeddleWithObject(fakes::SeededRandom& random) {
  std::vector<const GitSlot*> owned;
  for (const GitSlot& slot : kSlots) {
    const auto found = world_.model.declarables.find(slot.Key());
    if (found != world_.model.declarables.end() && !found->second.Owner().empty()) {
      owned.push_back(&slot);
    }
  }
  if (owned.empty()) {
    return;
  }
  const GitSlot& slot = *owned[random.Below(owned.size())];
  const ModelDeclarable& object = world_.model.declarables.at(slot.Key());
  const std::string path = PathOf(object.metadata);
  Json patch = Json::EmptyObject();
  switch (random.Below(3)) {
    case 0:
      return world_.requests.Delete(slot.type(), path);
    case 1:
      patch["metadata"]["labels"].Set(api::labels::kSource, Json());
      break;
    default:
      if (slot.type == kModule) {
        patch["spec"].Set("displayName", "meddled with");
      } else if (slot.type != kGrant) {
        patch["spec"].Set("isDisabled", object.says == "enabled");
      }
  }
  world_.requests.Patch(slot.type(), path, std::move(patch));
}

void GitWork::MeddleWithSource(fakes::SeededRandom& random) {
  const std::size_t source = random.Below(kSources.size());
  const Source& it = kSources[source];
  const std::string path = std::string(it.space) + "/" + it.name;
  const auto found = world_.model.git_sources.find(path);
  if (found == world_.model.git_sources.end()) {
    return CreateSource(source, random);
  }
  switch (random.Below(4)) {
    case 0:
      return world_.requests.Delete(api::GitSource::Type(), path);
    case 1: {
      Json patch = Json::EmptyObject();
      patch["metadata"]["annotations"].Set(api::annotations::kSyncRequestedAt,
                                           std::to_string(world_.now));
      return world_.requests.Patch(api::GitSource::Type(), path, std::move(patch));
    }
    default:
      return world_.requests.Patch(
          api::GitSource::Type(), path,
          Json::Of({{"spec", Json::Of({{"suspend", !found->second.spec.suspend}})}}));
  }
}

/// An object that no source owns, under a name that a repository declares or will; or away with
/// those that there are.
void GitWork::MakeByHand(fakes::SeededRandom& random) {
  bool any = false;
  for (const GitSlot& slot : kSlots) {
    const auto found = world_.model.declarables.find(slot.Key());
    if (found != world_.model.declarables.end() && found->second.Owner().empty()) {
      world_.requests.Delete(slot.type(), PathOf(found->second.metadata));
      any = true;
    }
  }
  const GitSlot& slot = kSlots[random.Below(kSlots.size())];
  if (!any && !world_.model.declarables.contains(slot.Key())) {
    Json body = ParseJson(FileOf(slot, random).bytes).value();
    body["metadata"].Erase("annotations");
    world_.requests.Create(slot.type(), std::move(body));
  }
}

}  // namespace midwatch::sim
