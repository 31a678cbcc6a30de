#include "controller/cli/job_files.h"

#include <utility>

namespace midwatch::cli {

Result<api::Artifact> UploadText(std::string name, std::string text, std::string media_type,
                                 ApiSession& session) {
  const auto size = static_cast<std::int64_t>(text.size());
  MIDWATCH_ASSIGN(std::string digest, session.Upload(std::move(text)));
  return api::Artifact{.name = std::move(name),
                       .digest = std::move(digest),
                       .size = size,
                       .media_type = std::move(media_type)};
}

Result<api::Artifact> UploadFile(std::string name, const std::string& path, const SecretMask& mask,
                                 Context& context, ApiSession& session) {
  const auto read = context.world.files.Read(path, kMostUploaded);
  if (!read) {
    return Fail(ErrorCode::kInvalid, read.error().message);  // Not found is the job alone.
  }
  const std::string& bytes = *read;
  const bool json = !bytes.empty() && (bytes.front() == '{' || bytes.front() == '[');
  return UploadText(std::move(name), mask.Apply(bytes), json ? "application/json" : "text/plain",
                    session);
}

}  // namespace midwatch::cli
