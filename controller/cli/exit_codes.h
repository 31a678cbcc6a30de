#pragma once

namespace midwatch::cli {

// Exit codes of every client command, as the manual says. `job exec` exits with the code of its
// command (128 + N if signal N ended it, 127 if it could not be started).
inline constexpr int kExitDone = 0;
inline constexpr int kExitNo = 1;      ///< Done, and the answer is no: errors or differences found.
inline constexpr int kExitUsage = 2;   ///< The command line is wrong.
inline constexpr int kExitFailed = 3;  ///< Not done: not found, refused, invalid.
inline constexpr int kExitUnreachable =
    4;  ///< Not done: the API cannot be reached, or it took too long.
inline constexpr int kExitNotStarted = 127;
inline constexpr int kExitSignalBase = 128;

}  // namespace midwatch::cli
