#pragma once

#include <optional>
#include <string>

#include "controller/api/module_job.h"
#include "controller/cli/api_session.h"
#include "controller/cli/log_capture.h"

namespace midwatch::cli {

/// The longest log or plan that is uploaded.
inline constexpr std::size_t kMostUploaded = std::size_t{16} << 20;

/// Uploads a text as the artifact `name` (`log`, `plan`).
Result<api::Artifact> UploadText(std::string name, std::string text, std::string media_type,
                                 ApiSession& session);

/// Reads a file, masks it and uploads it.
Result<api::Artifact> UploadFile(std::string name, const std::string& path, const SecretMask& mask,
                                 Context& context, ApiSession& session);

}  // namespace midwatch::cli
