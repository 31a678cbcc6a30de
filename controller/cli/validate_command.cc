#include "controller/api/codec.h"
#include "controller/cli/commands.h"
#include "controller/cli/manifest_files.h"
#include "controller/cli/object_output.h"

namespace midwatch::cli {
namespace {

Json ErrorAsJson(const manifest::ManifestError& error) {
  Json out = Json::Of({{"code", Json(manifest::NameOf(error.code))},
                       {"message", error.message},
                       {"path", error.path}});
  if (error.at.line > 0) {
    out.Set("line", std::int64_t{error.at.line});
    out.Set("column", std::int64_t{error.at.column});
  }
  if (!error.field.empty()) {
    out.Set("field", error.field);
  }
  if (!error.object.empty()) {
    out.Set("object", error.object);
  }
  return out;
}

std::string Summary(const manifest::DeclaredSet& set, std::size_t files, const Style& style) {
  const std::string what = Count(set.manifests.size(), "object") + " in " + Count(files, "file");
  if (set.errors.empty()) {
    return style.In(Colour::kGreen, "✓") + " " + what + ", no errors\n";
  }
  return style.In(Colour::kRed, "✗") + " " + Count(set.errors.size(), "error") + "; " + what +
         (set.manifests.size() == 1 ? " is" : " are") + " in order\n";
}

}  // namespace

int Run(const ValidateOptions& options, Context& context) {
  auto files = ReadManifestFiles(context, options.paths);
  if (!files) {
    return context.Refuse(files.error());
  }
  const std::string home = ServeOptions().installation_namespace;
  const bool named = !options.namespace_name.empty();
  const manifest::DeclaredSet set =
      CheckFiles(*files, {.default_namespace = named ? options.namespace_name : home,
                          .everywhere = !named || options.namespace_name == home});
  const int code = set.errors.empty() ? kExitDone : kExitNo;
  if (options.output != OutputFormat::kText) {
    Json errors = Json::EmptyArray();
    for (const manifest::ManifestError& error : set.errors) {
      errors.Append(ErrorAsJson(error));
    }
    context.Print(
        FormatValue(Json::Of({{"errors", std::move(errors)},
                              {"files", static_cast<std::int64_t>(files->size())},
                              {"objects", static_cast<std::int64_t>(set.manifests.size())}}),
                    options.output));
    return code;
  }
  for (const manifest::ManifestError& error : set.errors) {
    context.Print(ShowError(error, context.out) + "\n");
  }
  context.Print(Summary(set, files->size(), context.out));
  return code;
}

}  // namespace midwatch::cli
