#pragma once

#include <optional>
#include <string>

#include "controller/api/module_job.h"
#include "controller/cli/api_session.h"
#include "controller/cli/log_capture.h"

namespace midwatch::cli {

/// The longest log or plan that is uploaded.
inline constexpr std::size_t kMostUploaded = std::size_t{16} << 20;

/// Where uploads go, and how long they are tried.
struct UploadTarget {
  Context& context;
  ApiSession& session;
  MonoTime deadline;
};

/// Uploads a text as the artifact `name` (`log`, `plan`).
Result<api::Artifact> UploadText(std::string name, const std::string& text, std::string media_type,
                                 const UploadTarget& to);

/// Reads a file, masks it and uploads it.
Result<api::Artifact> UploadFile(std::string name, const std::string& path, const SecretMask& mask,
                                 const UploadTarget& to);

}  // namespace midwatch::cli
