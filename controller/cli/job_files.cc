#include "controller/cli/job_files.h"

#include <utility>

#include "controller/cli/job_reporter.h"

namespace midwatch::cli {

Result<api::Artifact> UploadText(std::string name, const std::string& text, std::string media_type,
                                 const UploadTarget& to) {
  auto digest = to.session.Upload(text);
  while (!digest && WaitForAnotherTry(digest.error(), to.deadline, to.context)) {
    digest = to.session.Upload(text);
  }
  if (!digest) {
    return Fail(digest.error());
  }
  return api::Artifact{.name = std::move(name),
                       .digest = *std::move(digest),
                       .size = static_cast<std::int64_t>(text.size()),
                       .media_type = std::move(media_type)};
}

Result<api::Artifact> UploadFile(std::string name, const std::string& path, const SecretMask& mask,
                                 const UploadTarget& to) {
  const auto read = to.context.world.files.Read(path, kMostUploaded);
  if (!read) {
    const bool too_large = read.error().code == ErrorCode::kTooLarge;
    return Fail(ErrorCode::kInvalid,  // Not found is the job alone.
                too_large ? path + ": expected at most " + std::to_string(kMostUploaded >> 20) +
                                " MiB; give its end, such as that of tail --bytes 16M"
                          : read.error().message);
  }
  const std::string& bytes = *read;
  const bool json = !bytes.empty() && (bytes.front() == '{' || bytes.front() == '[');
  return UploadText(std::move(name), mask.Apply(bytes), json ? "application/json" : "text/plain",
                    to);
}

}  // namespace midwatch::cli
